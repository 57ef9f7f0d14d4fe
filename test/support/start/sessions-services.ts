import { randomUUID } from "node:crypto";
import { Client } from "pg";
import type { Caller } from "../../../lib/actions/caller.ts";
import type { Actions } from "../../../lib/actions/typed-call.ts";
import { roleOf, rolePassword } from "../../../lib/database/database-roles.ts";
import { systemClock } from "../../../lib/runtime/clock.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { type RunningServices, startServices } from "./services.ts";

type Grant = Actions["sessions.create"]["result"];

/** The sessions service alone, and what its callers would do with it. */
export interface SessionsMesh {
  readonly running: RunningServices;
  readonly database: TestDatabase;
  /** A new session of that user, as auth makes it. */
  signIn(userId?: string): Promise<Grant>;
  refresh(token: string): Promise<Grant>;
  /** As one who is signed in with that session. */
  callerOf(grant: Pick<Grant, "user_id" | "session_id">): Caller;
  outbox(userId: string): Promise<Array<Record<string, unknown>>>;
  liveSessions(userId: string): Promise<number>;
  stop(): Promise<void>;
}

export const tenantId = "00000000-0000-7000-8000-000000000001";
export const auth: Caller = { kind: "service", name: "auth" };
export const gateway: Caller = { kind: "service", name: "gateway" };
export const foreign: Caller = { kind: "service", name: "probe" };

export async function startSessions(
  env: Readonly<Record<string, string>> = {},
  shared?: TestDatabase,
): Promise<SessionsMesh> {
  const database = shared ?? (await createTestDatabase());
  const running = await startServices(["sessions"], {
    DATABASE_URL: database.url,
    SERVICE_PERMISSIONS: "probe=sessions:lease",
    ...env,
  });
  const { call } = running;
  return {
    running,
    database,
    async signIn(userId = newId(systemClock)) {
      const { epoch } = await call("sessions.epoch", { user_id: userId }, auth);
      return call(
        "sessions.create",
        { id: newId(systemClock), user_id: userId, tenant_id: tenantId, epoch, amr: ["pwd"] },
        auth,
      );
    },
    refresh: (token) => call("sessions.refresh", { refresh_token: token }, auth),
    callerOf: (grant) => signedInAs(grant),
    outbox: async (userId) =>
      (
        await database.query<{ body: Record<string, unknown> }>(
          "SELECT body FROM sessions.outbox WHERE user_id = $1 ORDER BY id",
          [userId],
        )
      ).map((row) => row.body),
    liveSessions: async (userId) => {
      const [row] = await database.query<{ n: number }>(
        "SELECT count(*)::int AS n FROM sessions.sessions WHERE user_id = $1 AND revoked_at IS NULL",
        [userId],
      );
      return row?.n ?? -1;
    },
    stop: async () => {
      await running.stop();
      if (!shared) await database.drop();
    },
  };
}

function signedInAs({ user_id, session_id }: Pick<Grant, "user_id" | "session_id">): Caller {
  const who = { user_id, session_id, home_tenant_id: tenantId, tenant_id: tenantId };
  return {
    kind: "user",
    ...who,
    roles: ["user"],
    permissions: [],
    tier: "basic",
    auth_time: 0,
    amr: ["pwd"],
    expires_at: Number.MAX_SAFE_INTEGER,
  };
}

/** A holder that never acknowledges: its process is stopped, or its node gone. */
export async function plantSilentHolder(database: TestDatabase, ms: number): Promise<string> {
  const gatewayId = randomUUID();
  await database.query(
    `INSERT INTO sessions.leases (gateway_id, node_id, action, until)
     VALUES ($1, 'a-node-that-is-gone', 'gateway.revoked', clock_timestamp() + $2::int * interval '1 ms')`,
    [gatewayId, ms],
  );
  return gatewayId;
}

/** A client under the service's own role, with the limits that stand at it. */
export async function connect(ownerUrl: string): Promise<Client> {
  const url = new URL(ownerUrl);
  url.username = roleOf("sessions");
  url.password = rolePassword(ownerUrl, url.username);
  const client = new Client({ connectionString: url.href });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

export async function milliseconds(work: Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work;
  return performance.now() - started;
}

/** What went wrong, as a client would tell it apart. */
export async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "nothing";
  } catch (error) {
    return (error as { type?: string }).type ?? String(error);
  }
}
