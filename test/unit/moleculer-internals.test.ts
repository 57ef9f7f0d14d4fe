import { createRequire } from "node:module";
import { afterEach, describe, expect, test } from "@jest/globals";
import { type BrokerOptions, Discoverers, Errors, ServiceBroker, type ServiceSchema, Transporters } from "moleculer";
import {
  countOpenBreakers,
  countPendingRequests,
  isOnBus,
  listEndpoints,
  listNodes,
  listServices,
} from "../../lib/runtime/moleculer-internals.ts";
import { webModule } from "../../services/gateway/web/module.ts";
import { createOverrides } from "../../services/gateway/web/overrides.ts";
import { eventually } from "../support/eventually.ts";

type Untyped = Record<string, unknown>;

const hanging: ServiceSchema = { name: "hanging", actions: { wait: () => new Promise(() => undefined) } };

describe("works with the private parts of moleculer 0.15.2 that we rely on", () => {
  const brokers: ServiceBroker[] = [];
  afterEach(async () => {
    await Promise.all(brokers.splice(0).map((broker) => broker.stop()));
  });
  const start = async (nodeID: string, services: readonly ServiceSchema[] = [], options: BrokerOptions = {}) => {
    const broker = new ServiceBroker({ nodeID, transporter: "Fake", logger: false, ...options });
    brokers.push(broker);
    for (const service of services) broker.createService(service);
    await broker.start();
    return broker;
  };
  const startTwo = async () => {
    const [caller] = await Promise.all([start("caller"), start("callee", [hanging])]);
    await caller.waitForServices("hanging", 2_000);
    return caller;
  };

  test("the version: after an upgrade, review mixins/bus/nats-transporter.ts and lib/runtime/moleculer-internals.ts", () => {
    expect(ServiceBroker.MOLECULER_VERSION).toBe("0.15.2");
  });

  test("moleculer-web's version, and the methods that the gateway overrides or calls", () => {
    const { version } = createRequire(import.meta.url)("moleculer-web/package.json");
    expect(version).toBe("0.11.0");
    const names = [
      "parseActionRestString",
      "parseActionRestObject",
      "regenerateAutoAliases",
      "aliasHandler",
      "sendError",
    ];
    const replaced = Object.keys(createOverrides(() => null as never));
    for (const name of [...names, ...replaced]) expect(webModule.methods).toHaveProperty(name);
    expect(Object.keys(webModule.actions).sort()).toEqual(["addRoute", "listAliases", "removeRoute", "rest"]);
  });

  test("the registry lists services by their full names", async () => {
    const broker = await start("services", [{ name: "jobs", version: 2 }]);
    expect(listServices(broker)).toEqual(expect.arrayContaining(["v2.jobs"]));
  });

  test("the registry lists nodes, services, endpoints and open circuit breakers", async () => {
    const caller = await startTwo();
    const callee = listNodes(caller).find(({ id }) => id === "callee");
    expect(callee).toMatchObject({ available: true, client: { version: "0.15.2" }, metadata: expect.anything() });
    expect(callee?.services?.map(({ name }) => name)).toContain("hanging");
    const [endpoint] = listEndpoints(caller, "hanging.wait");
    expect(endpoint).toMatchObject({ id: "callee", state: true, isAvailable: true });
    expect([listEndpoints(caller, "none.such"), countOpenBreakers(caller)]).toEqual([[], 0]);
    Object.assign(endpoint as object, { state: false });
    expect([endpoint?.isAvailable, countOpenBreakers(caller)]).toEqual([false, 1]);
  });

  test("the transit knows the node of each pending request, and rejects the requests of a node that is gone", async () => {
    const caller = await startTwo();
    expect([isOnBus(caller), countPendingRequests(caller)]).toEqual([true, 0]);
    const call = caller.call("hanging.wait");
    expect((call as { ctx?: unknown }).ctx).toMatchObject({ meta: {}, nodeID: "callee" });
    await eventually("the request is pending", async () => countPendingRequests(caller) === 1);
    const transit = caller.transit as unknown as {
      pendingRequests: Map<string, { nodeID: string }>;
      removePendingRequestByNodeID(nodeId: string): void;
      sendPing(nodeId: string): Promise<void>;
    };
    expect([...transit.pendingRequests.values()]).toMatchObject([{ nodeID: "callee" }]);
    await transit.sendPing("callee");
    transit.removePendingRequestByNodeID("callee");
    await expect(call).rejects.toThrow(Errors.RequestRejectedError);
  });

  test("the discoverer declares a node unavailable on request", async () => {
    const caller = await startTwo();
    const { discoverer } = caller.registry as unknown as {
      discoverer: { remoteNodeDisconnected(nodeId: string, unexpected: boolean): void };
    };
    discoverer.remoteNodeDisconnected("callee", true);
    expect(listNodes(caller).find(({ id }) => id === "callee")?.available).toBe(false);
  });

  test("a node without a bus counts as connected", async () => {
    const broker = await start("alone", [], { transporter: null });
    expect([isOnBus(broker), countPendingRequests(broker)]).toEqual([true, 0]);
  });

  test("the methods that our transporter, discoverer and error regenerator call or override exist", () => {
    const has = (type: { prototype: object }, ...names: string[]) =>
      names.filter((name) => typeof (type.prototype as Untyped)[name] !== "function");
    expect([
      has(Transporters.NATS, "init", "connect", "disconnect", "send", "onConnected"),
      has(Discoverers.Local, "startHeartbeatTimers", "checkRemoteNodes"),
      has(Errors.Regenerator, "extractPlainError", "restore"),
      has(ServiceBroker, "broadcastLocal", "destroyService"),
    ]).toEqual([[], [], [], []]);
  });

  test("the discoverer keeps its check timer where ours replaces it, and the regenerator knows its broker", async () => {
    const discoverer = new Discoverers.Local();
    const errorRegenerator = new Errors.Regenerator();
    const broker = await start("node", [], { registry: { discoverer }, errorRegenerator, heartbeatInterval: 1 });
    expect((discoverer as unknown as Untyped).checkNodesTimer).toBeDefined();
    expect((errorRegenerator as unknown as Untyped).broker).toBe(broker);
  });
});
