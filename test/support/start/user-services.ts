import { randomBytes } from "node:crypto";
import type { Caller, Meta, UserCaller } from "../../../lib/actions/caller.ts";
import type { ActionName, Actions } from "../../../lib/actions/typed-call.ts";
import type { Environment } from "../../../lib/config/config.ts";
import { systemClock } from "../../../lib/runtime/clock.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { outboxEvents } from "../data/database-reads.ts";
import { aUser } from "./broker.ts";
import type { TestDatabase } from "./database.ts";
import { type RunningServices, startServices } from "./services.ts";

type Params<K extends ActionName> = Actions[K]["params"];
type Result<K extends ActionName> = Actions[K]["result"];
export type Account = Result<"users.create">["user"];

export interface UserServices extends RunningServices {
  /** Under an idempotency key; `body` stands for the request's body. */
  keyed<K extends ActionName>(
    key: string,
    name: K,
    params: Params<K>,
    caller: Caller,
    body?: unknown,
  ): Promise<Result<K>>;
  create(more?: Partial<Params<"users.create">>): Promise<Account>;
  /** The events of an account: those of users in order, then those of preferences. */
  facts(userId: string): Promise<Array<Record<string, unknown>>>;
}

export const auth: Caller = { kind: "service", name: "auth" };

/** Services around accounts, in this process. */
export async function startUsers(names: readonly string[], env: Environment = {}): Promise<UserServices> {
  const running = await startServices(names, env);
  return {
    ...running,
    keyed: (key, name, params, caller, body = params) =>
      running.broker.call(name, params, { meta: keyedMeta(key, name, caller, body) }),
    create: async (more) => (await running.as("auth", "users.create", newUser(more))).user,
    facts: async (userId) => [
      ...(await outboxEvents(running, "users", userId)),
      ...(await outboxEvents(running, "preferences", userId)),
    ],
  };
}

export function newUser(more: Partial<Params<"users.create">> = {}): Params<"users.create"> {
  return {
    id: newId(systemClock),
    tenant: "default",
    email: `u-${randomBytes(8).toString("hex")}@example.com`,
    ...more,
  };
}

export function callerOf(user: Pick<Account, "id" | "tenant_id">, more: Partial<UserCaller> = {}): UserCaller {
  return aUser({ user_id: user.id, home_tenant_id: user.tenant_id, tenant_id: user.tenant_id, ...more });
}

export function adminOf(user: Pick<Account, "id" | "tenant_id">): UserCaller {
  return callerOf(user, { permissions: ["users:read", "users:write", "activity:read"] });
}

export function outcome(result: PromiseSettledResult<unknown>): string {
  return result.status === "fulfilled" ? "done" : String((result.reason as { type?: string }).type);
}

/** A new tenant, so that lists and counts contain only what the test made. */
export async function newTenant(database: TestDatabase): Promise<{ id: string; slug: string }> {
  const tenant = { id: newId(systemClock), slug: `t-${randomBytes(6).toString("hex")}` };
  await database.query("INSERT INTO users.tenants (id, slug, name) VALUES ($1, $2, $2)", [tenant.id, tenant.slug]);
  return tenant;
}

function keyedMeta(key: string, action: string, caller: Caller, body: unknown): Meta {
  return {
    caller,
    correlation_id: newId(systemClock),
    idempotency: { action, key, scope: "test", body: [{ kid: "k1", mac: JSON.stringify(body) }] },
  };
}
