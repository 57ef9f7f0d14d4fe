import { afterEach, describe, expect, test } from "@jest/globals";
import type { BrokerOptions, ServiceBroker } from "moleculer";
import type { Caller } from "../../lib/actions/caller.ts";
import type { Access } from "../../lib/actions/contract.ts";
import { isError } from "../../lib/actions/errors.ts";
import { servicePermissions } from "../../lib/actions/service-permissions.ts";
import { findAccessError } from "../../mixins/middlewares/access.middleware.ts";
import { aUser, callAs, startBroker } from "../support/start/broker.ts";

const id = "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60";
const now = new Date("2026-11-20T12:00:00Z");
const clock = { now: () => now, monotonic: () => 0 };
const permissionsOf = servicePermissions({ servicePermissions: { jobs: ["users:read"], auth: ["everything"] } });
const refusal = (access: Access, caller: Caller | undefined) => findAccessError(access, caller, clock, permissionsOf);
const service = (name: string): Caller => ({ kind: "service", name });
const anonymous: Caller = { kind: "anonymous", tenant: "default" };

describe("access", () => {
  test("an anonymous caller gets token_missing if users may call", () => {
    expect(refusal({ callers: ["user"] }, anonymous)).toBe("token_missing");
  });

  test("a missing caller counts as anonymous", () => {
    expect(refusal({ callers: ["user"] }, undefined)).toBe("token_missing");
    expect(refusal({ callers: ["anonymous"] }, undefined)).toBeUndefined();
  });

  test("users may not call an action for services", () => {
    expect(refusal({ callers: ["service"], permission: "users:read" }, aUser({ permissions: ["users:read"] }))).toBe(
      "forbidden",
    );
  });

  test("anonymous callers may not call an action for services", () => {
    expect(refusal({ callers: ["service"] }, anonymous)).toBe("forbidden");
  });

  test("a user needs the permission; the name of a role is not enough", () => {
    const access: Access = { callers: ["user"], permission: "users:write" };
    expect(refusal(access, aUser({ roles: ["admin", "users:write"] }))).toBe("forbidden");
    expect(refusal(access, aUser({ permissions: ["users:write"] }))).toBeUndefined();
  });

  test("a service has exactly the permissions of its contract", () => {
    expect(refusal({ callers: ["service"], permission: "users:create" }, service("auth"))).toBeUndefined();
    expect(refusal({ callers: ["service"], permission: "users:visibility" }, service("auth"))).toBe("forbidden");
  });

  test("SERVICE_PERMISSIONS cannot extend the permissions of our services", () => {
    expect(refusal({ callers: ["service"], permission: "everything" }, service("auth"))).toBe("forbidden");
  });

  test("another service has the permissions in SERVICE_PERMISSIONS, an unknown one none", () => {
    expect(refusal({ callers: ["service"], permission: "users:read" }, service("jobs"))).toBeUndefined();
    expect(refusal({ callers: ["service"], permission: "users:read" }, service("constructor"))).toBe("forbidden");
  });

  test("permissions sent along by a service are ignored", () => {
    const boastful = { kind: "service", name: "nobody", permissions: ["users:read"] } as Caller;
    expect(refusal({ callers: ["service"], permission: "users:read" }, boastful)).toBe("forbidden");
  });

  test("the mail worker may only send, the maintenance worker may only sweep", () => {
    expect(refusal({ callers: ["service"], permission: "mail:send" }, service("worker-mail"))).toBeUndefined();
    expect(
      refusal({ callers: ["service"], permission: "maintenance:run" }, service("worker-maintenance")),
    ).toBeUndefined();
    expect(refusal({ callers: ["service"], permission: "maintenance:run" }, service("worker-mail"))).toBe("forbidden");
  });

  test("an operator may only call actions for operators", () => {
    const operator: Caller = { kind: "operator", name: "root" };
    expect(refusal({ callers: ["service", "operator"], permission: "users:read" }, operator)).toBeUndefined();
    expect(refusal({ callers: ["service"], permission: "users:read" }, operator)).toBe("forbidden");
  });

  test("an action can require a recent authentication", () => {
    const seconds = now.getTime() / 1_000;
    expect(refusal({ callers: ["user"], fresh: 300 }, aUser({ auth_time: seconds - 301 }))).toBe("step_up_required");
    expect(refusal({ callers: ["user"], fresh: 300 }, aUser({ auth_time: seconds - 300 }))).toBeUndefined();
  });

  test("an unknown kind of caller is rejected", () => {
    expect(refusal({ callers: ["user", "service"] }, { kind: "root" } as unknown as Caller)).toBe("forbidden");
  });
});

describe("access on a node", () => {
  let broker: ServiceBroker;
  let calls: number;
  afterEach(() => broker.stop());
  const start = async (options: Partial<BrokerOptions> = {}) => {
    calls = 0;
    const get = {
      cache: true,
      handler: async () => {
        calls += 1;
        return null;
      },
    };
    broker = await startBroker({ services: [{ name: "users", actions: { get } }], options });
  };

  test("an action rejects callers without access, even if a cacher is configured", async () => {
    await start({ cacher: "Memory" });
    await callAs(broker, service("mail"), "users.get", { id });
    for (const caller of [anonymous, aUser(), service("gateway"), anonymous]) {
      await expect(callAs(broker, caller, "users.get", { id })).rejects.toMatchObject({
        type: "forbidden",
        status: 403,
      });
    }
    expect(calls).toBe(1);
  });

  test("a rejected caller learns nothing about the params", async () => {
    await start();
    const refused = await callAs(broker, anonymous, "users.get", { wrong: 1 }).catch((error) => error);
    expect(isError(refused, "forbidden")).toBe(true);
  });

  test("Moleculer's own actions are not restricted", async () => {
    await start();
    await expect(callAs(broker, undefined, "$node.list")).resolves.toHaveLength(1);
  });
});
