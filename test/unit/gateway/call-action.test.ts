import { afterEach, describe, expect, test } from "@jest/globals";
import { Errors, ServiceBroker } from "moleculer";
import { AppError } from "../../../lib/actions/errors.ts";
import { listEndpoints } from "../../../lib/runtime/moleculer-internals.ts";
import { callWithFailover } from "../../../services/gateway/api/call-action.ts";
import { eventually } from "../../support/eventually.ts";

const brokers: ServiceBroker[] = [];
let calls = 0;

async function startBroker(nodeID: string, refresh?: () => unknown): Promise<ServiceBroker> {
  const broker = new ServiceBroker({ nodeID, namespace: "failover", transporter: "Fake", logger: false });
  if (refresh) broker.createService({ name: "auth", actions: { refresh: async () => refresh() } });
  brokers.push(broker);
  await broker.start();
  return broker;
}

/** A caller on a bus with as many nodes; their n-th call is handled by the n-th of `answers`. */
async function answering(nodes: number, ...answers: Array<() => unknown>): Promise<ServiceBroker> {
  calls = 0;
  for (let n = 0; n < nodes; n += 1) await startBroker(`auth-${n}`, () => answers[calls++]?.());
  const caller = await startBroker("gateway");
  await eventually("the nodes to be known", () => listEndpoints(caller, "auth.refresh").length === nodes);
  return caller;
}

const refresh = { action: "auth.refresh", params: {}, meta: { correlation_id: "c" }, timeout: 2_500 };
const unavailable = () => {
  throw new Errors.ServiceNotAvailableError({ action: "sessions.refresh" });
};
const silent = () => new Promise(() => undefined);
const after = (ms: number) => () => new Promise((resolve) => setTimeout(resolve, ms, "pair"));

describe("a call with failover", () => {
  afterEach(() => Promise.all(brokers.splice(0).map((broker) => broker.stop())));

  test("is repeated if the node or its response is lost", async () => {
    expect(await callWithFailover(await answering(1, unavailable, () => "pair"), refresh)).toBe("pair");
  });

  test("is repeated on another node after 1.5 s without a response", async () => {
    const began = performance.now();
    expect(await callWithFailover(await answering(2, silent, () => "pair"), refresh)).toBe("pair");
    expect(performance.now() - began).toBeGreaterThan(1_450);
    expect(calls).toBe(2);
  });

  test("waits for the only node instead of giving it the same work again", async () => {
    expect(await callWithFailover(await answering(1, after(1_800)), refresh)).toBe("pair");
    expect(calls).toBe(1);
  });

  test("is made at most three times", async () => {
    await expect(
      callWithFailover(await answering(1, unavailable, unavailable, unavailable, () => "pair"), refresh),
    ).rejects.toThrow();
    expect(calls).toBe(3);
  });

  test.each(["token_reused", "overloaded"] as const)("is not repeated after %s", async (code) => {
    const refuse = () => {
      throw new AppError(code);
    };
    await expect(callWithFailover(await answering(2, refuse), refresh)).rejects.toMatchObject({ type: code });
    expect(calls).toBe(1);
  });
});
