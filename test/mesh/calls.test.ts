import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import type { Caller } from "../../lib/actions/caller.ts";
import { AppError, type ErrorCode } from "../../lib/actions/errors.ts";
import { implement } from "../../lib/actions/typed-call.ts";
import { gatewayContract } from "../../services/gateway/gateway.contract.ts";
import { eventually } from "../support/eventually.ts";
import { callAs, dropConnection, startBroker } from "../support/start/broker.ts";
import { type Server, startNatsServer } from "../support/start/servers.ts";

const read = { retryPolicy: { enabled: true } };
const FAILURES = 5;

describe("calls between nodes", () => {
  let nats: Server;
  let brokers: ServiceBroker[];
  let caller: ServiceBroker;
  beforeAll(async () => {
    nats = await startNatsServer();
  });
  afterAll(() => nats.stop());
  afterEach(() => Promise.all(brokers.map((broker) => broker.stop())));

  const join = (...services: ServiceSchema[]) =>
    startBroker({ services, env: { NATS_URL: nats.url, CIRCUIT_BREAKER_FAILURES: String(FAILURES) } });
  const start = async (...groups: ServiceSchema[][]) => {
    brokers = await Promise.all([join(), ...groups.map((services) => join(...services))]);
    [caller] = brokers as [ServiceBroker];
    const name = groups[0]?.[0]?.name ?? "";
    await eventually("all nodes to be known", () => endpoints(caller, name) === groups.length);
  };

  test("an idempotent read is retried on another node when its node dies; other calls fail", async () => {
    const stuck = () => new Promise<never>(() => undefined);
    const service = (handler: () => Promise<unknown>): ServiceSchema => ({
      name: "thing",
      actions: { read: { ...read, handler }, write: { handler } },
    });
    await start([service(stuck)], [service(async () => "sibling")]);
    const dying = brokers[1] as ServiceBroker;
    const calls = ["thing.read", "thing.read", "thing.write", "thing.write"].map((name) => caller.call(name));
    const outcomes = Promise.allSettled(calls);
    await eventually("one read and one write to be stuck", () => caller.transit?.pendingRequests.size === 2);
    await dropConnection(dying);
    const [reads, writes] = [(await outcomes).slice(0, 2), (await outcomes).slice(2)];
    expect(reads).toEqual([
      expect.objectContaining({ value: "sibling" }),
      expect.objectContaining({ value: "sibling" }),
    ]);
    expect(writes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    brokers.splice(1, 1);
  });

  test("a hanging node is dropped before its calls time out, and idempotent reads are retried", async () => {
    const stuck = () => new Promise<never>(() => undefined);
    const service = (handler: () => Promise<unknown>): ServiceSchema => ({
      name: "thing",
      actions: { read: { ...read, handler } },
    });
    await start([service(stuck)], [service(async () => "sibling")]);
    const [, silent] = brokers as [ServiceBroker, ServiceBroker];
    silent.registry.discoverer.stopHeartbeatTimers();
    const reads = await Promise.all([caller.call("thing.read"), caller.call("thing.read")]);
    expect(reads).toEqual(["sibling", "sibling"]);
  });

  test.each<[ErrorCode, boolean]>([
    ["internal_error", true],
    ["mail_unavailable", true],
    ["email_taken", false],
    ["overloaded", false],
    ["revocation_pending", false],
  ])("%s opens the breaker: %s", async (type, opens) => {
    await start([failing("thing", type)]);
    for (let turn = 0; turn < FAILURES; turn += 1)
      await expect(caller.call("thing.do")).rejects.toMatchObject({ type });
    await expect(caller.call("thing.do")).rejects.toMatchObject({
      name: opens ? "ServiceNotAvailableError" : "AppError",
    });
  });

  test("an action without a circuit breaker has none, locally and remotely", async () => {
    const revoked = async () => {
      throw new AppError("internal_error");
    };
    await start([
      {
        name: "gateway",
        actions: implement(gatewayContract, { applyRevocations: revoked, introspect: revoked }),
      },
    ]);
    const sessions: Caller = { kind: "service", name: "sessions" };
    const params = { gateway_id: "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60", changes: [] };
    for (let turn = 0; turn < FAILURES * 3; turn += 1) {
      await expect(callAs(caller, sessions, "gateway.applyRevocations", params)).rejects.toMatchObject({
        type: "internal_error",
      });
    }
  });

  test("a running call completes before its node stops, including its own calls", async () => {
    const gate = Promise.withResolvers<void>();
    let open = true;
    const store: ServiceSchema = {
      name: "store",
      actions: { read: async () => (open ? "kept" : Promise.reject(new Error("closed"))) },
      async stopped() {
        open = false;
      },
    };
    const work: ServiceSchema = {
      name: "work",
      actions: { do: (ctx) => gate.promise.then(() => ctx.call("store.read")) },
    };
    await start([work, store]);
    const answer = caller.call("work.do");
    await eventually("the call to be in flight", () => caller.transit?.pendingRequests.size === 1);
    const stopped = (brokers.pop() as ServiceBroker).stop();
    await eventually("other nodes to be notified", () => endpoints(caller, "work") === 0);
    gate.resolve();
    await expect(answer).resolves.toBe("kept");
    await stopped;
  });

  test("the gateway stops first, then workers, then services", async () => {
    const order: string[] = [];
    const stopping = (name: string): ServiceSchema => ({ name, stopped: async () => void order.push(name) });
    await start([stopping("users"), stopping("worker-mail"), stopping("gateway")]);
    await (brokers.pop() as ServiceBroker).stop();
    expect(order).toEqual(["gateway", "worker-mail", "users"]);
  });
});

function failing(name: string, type: ErrorCode): ServiceSchema {
  return { name, actions: { do: () => Promise.reject(new AppError(type)) } };
}

/** The number of nodes with this service in the broker's registry. */
function endpoints(broker: ServiceBroker, service: string): number {
  return broker.registry.getServiceList({ onlyAvailable: true }).filter(({ name }) => name === service).length;
}
