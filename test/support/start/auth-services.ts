import { randomBytes } from "node:crypto";
import type { Caller } from "../../../lib/actions/caller.ts";
import type { ActionName, Actions } from "../../../lib/actions/typed-call.ts";
import type { Environment } from "../../../lib/config/config.ts";
import { systemClock } from "../../../lib/runtime/clock.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { eventually } from "../eventually.ts";
import { type RunningServices, startServices } from "./services.ts";

type Params<K extends ActionName> = Actions[K]["params"];
type Result<K extends ActionName> = Actions[K]["result"];

export interface Person {
  readonly id: string;
  readonly email: string;
  readonly password: string;
}

export interface AuthServices extends RunningServices {
  /** As an anonymous client of an address, under an idempotency key if one is given. */
  from<K extends ActionName>(ip: string, name: K, params: Params<K>, key?: Key): Promise<Result<K>>;
  register(more?: Partial<Params<"auth.register">>): Promise<Person>;
  login(person: Pick<Person, "email" | "password">, ip?: string): Promise<Result<"auth.login">>;
  /** The token of the account's newest one-time token, as mail would get it. */
  mailedToken(userId: string, purpose: "verify_email" | "reset_password"): Promise<string>;
  oneTimeTokens(userId: string, purpose: string): Promise<Array<{ id: string; spent: boolean }>>;
}

interface Key {
  readonly key: string;
  /** The action that commits, if it is not the called one. */
  readonly action?: ActionName;
}

export const right = "Right-horse-7-staple";
export const wrong = "Wrong-horse-7-staple";

/** The auth service and those it calls, without mail. */
export async function startAuth(env: Environment = {}): Promise<AuthServices> {
  const running = await startServices(["auth", "users", "sessions", "preferences"], env);
  const { database, as } = running;
  const from: AuthServices["from"] = (ip, name, params, key) =>
    running.broker.call(name, params, {
      meta: {
        caller: { kind: "anonymous", tenant: "default" },
        client: { ip, user_agent: "jest" },
        correlation_id: newId(systemClock),
        ...(key !== undefined && {
          idempotency: { action: name, ...key, scope: "test", body: [{ kid: "k1", mac: JSON.stringify(params) }] },
        }),
      },
    });
  const oneTimeTokens: AuthServices["oneTimeTokens"] = (userId, purpose) =>
    database.query(
      "SELECT id, spent_at IS NOT NULL AS spent FROM auth.one_time_tokens WHERE user_id = $1 AND purpose = $2 ORDER BY seq",
      [userId, purpose],
    );
  return {
    ...running,
    from,
    oneTimeTokens,
    async register(more) {
      const person = { email: `p-${randomBytes(8).toString("hex")}@example.com`, password: right, ...more };
      const { user } = await from("192.0.2.1", "auth.register", person);
      return { ...person, id: user?.id ?? "" };
    },
    login: ({ email, password }, ip = "192.0.2.1") => from(ip, "auth.login", { email, password }),
    async mailedToken(userId, purpose) {
      const token_id = await eventually(
        `a token to ${purpose}`,
        async () => (await oneTimeTokens(userId, purpose)).at(-1)?.id,
      );
      const mailed = await as("mail", "auth.deriveMailToken", { token_id });
      if (!mailed) throw new Error("The token is of no use any more");
      return mailed.token;
    },
  };
}

export function userCaller(signedIn: Result<"auth.login">): Caller {
  const { user, session_id } = signedIn;
  const now = Date.now();
  return {
    kind: "user",
    user_id: user.id,
    home_tenant_id: user.tenant_id,
    tenant_id: user.tenant_id,
    session_id,
    roles: user.roles,
    permissions: [],
    tier: "basic",
    auth_time: Math.floor(now / 1_000),
    expires_at: now + 60_000,
  };
}

/** Counts of fulfilled promises ("done") and of the error codes of the others. */
export async function outcomes(promises: ReadonlyArray<Promise<unknown>>): Promise<Record<string, number>> {
  const settled = await Promise.allSettled(promises);
  const names = settled.map((one) =>
    one.status === "fulfilled" ? "done" : String((one.reason as { type?: string }).type ?? one.reason),
  );
  return Object.fromEntries([...new Set(names)].map((name) => [name, names.filter((one) => one === name).length]));
}
