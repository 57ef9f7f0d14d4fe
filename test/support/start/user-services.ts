import { randomBytes } from "node:crypto";
import type { Caller, Meta, UserCaller } from "../../../lib/actions/caller.ts";
import type { ActionName, Actions } from "../../../lib/actions/typed-call.ts";
import { systemClock } from "../../../lib/runtime/clock.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { eventually } from "../eventually.ts";
import { aUser } from "./broker.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { type RunningServices, startServices } from "./services.ts";

type Params<K extends ActionName> = Actions[K]["params"];
type Result<K extends ActionName> = Actions[K]["result"];
export type Account = Result<"users.create">["user"];

export interface UserServices extends RunningServices {
  readonly database: TestDatabase;
  as<K extends ActionName>(service: string, name: K, params: Params<K>): Promise<Result<K>>;
  /** Under an idempotency key; `body` stands for the request's body. */
  keyed<K extends ActionName>(
    key: string,
    name: K,
    params: Params<K>,
    caller: Caller,
    body?: unknown,
  ): Promise<Result<K>>;
  create(more?: Partial<Params<"users.create">>): Promise<Account>;
  /** What users and preferences have stated of an account, in order. */
  facts(userId: string): Promise<Array<Record<string, unknown>>>;
  settled(): Promise<void>;
}

export const auth: Caller = { kind: "service", name: "auth" };

/** Services around accounts, in this process over a database of their own. */
export async function startUsers(
  names: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<UserServices> {
  const database = await createTestDatabase();
  const running = await startServices(names, { DATABASE_URL: database.url, ...env });
  const as: UserServices["as"] = (service, name, params) =>
    running.call(name, params, { kind: "service", name: service });
  return {
    ...running,
    database,
    as,
    keyed: (key, name, params, caller, body = params) =>
      running.broker.call(name, params, { meta: keyedMeta(key, name, caller, body) }),
    create: async (more) => (await as("auth", "users.create", newUser(more))).user,
    facts: (userId) => factsOf(database, userId),
    settled: async () => {
      const sql =
        "SELECT 1 FROM users.outbox WHERE published_at IS NULL UNION ALL SELECT 1 FROM preferences.outbox WHERE published_at IS NULL";
      await eventually("empty outboxes", async () => (await database.query(sql)).length === 0);
    },
    stop: async () => {
      await running.stop();
      await database.drop();
    },
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

/** A tenant of its own, so that lists and counts hold what the test made. */
export async function newTenant(database: TestDatabase): Promise<{ id: string; slug: string }> {
  const tenant = { id: newId(systemClock), slug: `t-${randomBytes(6).toString("hex")}` };
  await database.query("INSERT INTO users.tenants (id, slug, name) VALUES ($1, $2, $2)", [tenant.id, tenant.slug]);
  return tenant;
}

function keyedMeta(key: string, commit: string, caller: Caller, body: unknown): Meta {
  return {
    caller,
    correlation_id: newId(systemClock),
    idempotency: { commit, key, scope: "test", body: [{ kid: "k1", mac: JSON.stringify(body) }] },
  };
}

async function factsOf(database: TestDatabase, userId: string): Promise<Array<Record<string, unknown>>> {
  const of = (schema: string) =>
    database.query<{ body: Record<string, unknown> }>(
      `SELECT body FROM ${schema}.outbox WHERE user_id = $1 AND kind = 'event' ORDER BY id`,
      [userId],
    );
  return [...(await of("users")), ...(await of("preferences"))].map((row) => row.body);
}
