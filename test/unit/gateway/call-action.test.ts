import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { Errors, ServiceBroker } from "moleculer";
import { AppError } from "../../../lib/actions/errors.ts";
import { callWithFailover } from "../../../services/gateway/api/call-action.ts";

let broker: ServiceBroker;
let calls = 0;

/** A broker with one service, whose n-th call is handled by the n-th of `answers`. */
async function answering(...answers: Array<() => unknown>): Promise<ServiceBroker> {
  calls = 0;
  broker = new ServiceBroker({ logger: false });
  broker.createService({ name: "auth", actions: { refresh: async () => answers[calls++]?.() } });
  await broker.start();
  return broker;
}

const refresh = { action: "auth.refresh", params: {}, meta: { correlation_id: "c" }, timeout: 9_000 };
const unavailable = () => {
  throw new Errors.ServiceNotAvailableError({ action: "sessions.refresh" });
};
const silent = () => new Promise(() => undefined);

describe("a call with failover", () => {
  afterEach(() => {
    jest.useRealTimers();
    return broker.stop();
  });

  test("is repeated if the node or its response is lost", async () => {
    expect(await callWithFailover(await answering(unavailable, () => "pair"), refresh)).toBe("pair");
  });

  test("is repeated after 1.5 s without a response", async () => {
    const slow = await answering(silent, () => "pair");
    jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
    const answer = callWithFailover(slow, refresh);
    await jest.advanceTimersByTimeAsync(1_499);
    expect(calls).toBe(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(await answer).toBe("pair");
  });

  test("is made at most three times", async () => {
    await expect(
      callWithFailover(await answering(unavailable, unavailable, unavailable, () => "pair"), refresh),
    ).rejects.toThrow();
    expect(calls).toBe(3);
  });

  test("is not repeated after a refusal", async () => {
    const refuse = () => {
      throw new AppError("token_reused");
    };
    await expect(callWithFailover(await answering(refuse), refresh)).rejects.toMatchObject({ type: "token_reused" });
    expect(calls).toBe(1);
  });
});
