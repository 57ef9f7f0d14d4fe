import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { connect } from "nats";
import type { Caller } from "../../../lib/actions/caller.ts";
import { type ActionName, contracts } from "../../../lib/actions/typed-call.ts";
import { eventually } from "../eventually.ts";
import { callAs, startBroker } from "../start/broker.ts";
import type { TestMesh } from "../start/mesh.ts";

export const SERVICE_PERMISSIONS = "jobs=users:validate";

const foreigner: Caller = { kind: "service", name: "jobs" };
const stranger: Caller = { kind: "service", name: "stranger" };
const pretenders: readonly Caller[] = [
  stranger,
  { kind: "service", name: "worker-nothing" },
  { kind: "service", name: "constructor" },
  { kind: "anonymous", tenant: "default" },
];
/** Actions that users may call too: anonymous callers are asked to sign in. */
const alsoForUsers: ReadonlySet<string> = new Set(["gateway.introspect"]);
const unknownId = "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60";

/** Actions only services with a permission may call. */
const guarded = contracts.flatMap((one) =>
  Object.entries(one.actions)
    .filter(([, def]) => def.access.permission !== undefined && def.access.callers.includes("service"))
    .map(([action, def]) => ({
      name: `${one.name}.${action}` as ActionName,
      service: one.name,
      permission: def.access.permission as string,
    })),
);

/** What a service on the bus may call. The mesh runs with `SERVICE_PERMISSIONS` of this file. */
export function describeServicePermissions(mesh: () => TestMesh): void {
  let node: ServiceBroker;
  beforeAll(async () => {
    node = await startBroker({ env: { NATS_URL: mesh().nats.url } });
    await node.waitForServices(["users", "auth", "sessions", "preferences", "mail", "admin", "webhooks"], 10_000, 50);
  });
  afterAll(() => node?.stop());

  const refusalOf = (caller: Caller | undefined, action: string, params: object = {}) =>
    callAs(node, caller, action, params).then(
      () => "answered",
      (error: { type?: string }) => error.type,
    );

  test("NATS rejects clients without credentials or with wrong ones", async () => {
    const { hostname, port } = new URL(mesh().nats.url);
    const servers = `${hostname}:${port}`;
    const options = { servers, reconnect: false, maxReconnectAttempts: 0, timeout: 2_000 };
    for (const credentials of [{}, { user: "usermesh", pass: "guess" }, { user: "", pass: "" }, { token: "guess" }]) {
      await expect(connect({ ...options, ...credentials })).rejects.toMatchObject({ code: "AUTHORIZATION_VIOLATION" });
    }
  });

  test("every action that requires a permission refuses services without it", async () => {
    expect(guarded.length).toBeGreaterThan(20);
    for (const { name } of guarded) {
      for (const caller of pretenders) {
        const refusal = caller.kind === "anonymous" && alsoForUsers.has(name) ? "token_missing" : "forbidden";
        expect([name, caller, await refusalOf(caller, name)]).toEqual([name, caller, refusal]);
      }
    }
  });

  test("our own services have only the permissions in their contracts", async () => {
    for (const { name, permission } of guarded) {
      const without = contracts.filter((one) => !(one.requiredPermissions as readonly string[]).includes(permission));
      for (const { name: service } of without)
        expect([service, name, await refusalOf({ kind: "service", name: service }, name)]).toEqual([
          service,
          name,
          "forbidden",
        ]);
    }
  });

  test("an external service has exactly the permissions in SERVICE_PERMISSIONS, at every node", async () => {
    for (let n = 0; n < 6; n += 1)
      expect(await callAs(node, foreigner, "users.validate", { ids: [unknownId] })).toEqual([]);
    const refused = guarded.filter(({ permission }) => permission !== "users:validate");
    for (const { name } of refused) expect([name, await refusalOf(foreigner, name)]).toEqual([name, "forbidden"]);
  });

  test("permissions claimed by the caller are ignored", async () => {
    const boasting = { kind: "service", name: "stranger", permissions: ["users:read"] } as unknown as Caller;
    for (let n = 0; n < 4; n += 1) expect(await refusalOf(boasting, "users.get", { id: unknownId })).toBe("forbidden");
  });

  test("a cached or concurrent call by a permitted service opens nothing to another", async () => {
    const reader = contracts.find((one) => (one.requiredPermissions as readonly string[]).includes("users:read"));
    const caller: Caller = { kind: "service", name: reader?.name ?? "" };
    await eventually("an answer", async () => (await refusalOf(caller, "users.get", { id: unknownId })) === "answered");
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => refusalOf(n % 2 ? caller : stranger, "users.get", { id: unknownId })),
    );
    expect(answers).toEqual(Array.from({ length: 20 }, (_, n) => (n % 2 ? "answered" : "forbidden")));
  });
}
