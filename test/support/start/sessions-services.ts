import { randomUUID } from "node:crypto";
import { Client } from "pg";
import type { Caller } from "../../../lib/actions/caller.ts";
import type { Actions } from "../../../lib/actions/typed-call.ts";
import type { Environment } from "../../../lib/config/config.ts";
import { systemClock } from "../../../lib/runtime/clock.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { liveSessions, outboxEvents } from "../data/database-reads.ts";
import { serviceUrl, type TestDatabase } from "./database.ts";
import { type RunningServices, startServices } from "./services.ts";

type Grant = Actions["sessions.create"]["result"];

/** The sessions service alone, and its usual calls. */
export interface SessionsService extends RunningServices {
  /** A new session of that user, as auth makes it. */
  signIn(userId?: string): Promise<Grant>;
  refresh(token: string): Promise<Grant>;
  /** The caller who is signed in with that session. */
  callerOf(grant: Pick<Grant, "user_id" | "session_id">): Caller;
  outbox(userId: string): Promise<Array<Record<string, unknown>>>;
  liveSessions(userId: string): Promise<number>;
}

export const tenantId = "00000000-0000-7000-8000-000000000001";
export const auth: Caller = { kind: "service", name: "auth" };
export const gateway: Caller = { kind: "service", name: "gateway" };
export const foreign: Caller = { kind: "service", name: "probe" };

export async function startSessions(env: Environment = {}): Promise<SessionsService> {
  const running = await startServices(["sessions"], { SERVICE_PERMISSIONS: "probe=sessions:lease", ...env });
  const { call } = running;
  return {
    ...running,
    async signIn(user_id = newId(systemClock)) {
      const { epoch } = await call("sessions.epoch", { user_id }, auth);
      const session = { id: newId(systemClock), user_id, tenant_id: tenantId, epoch, amr: ["pwd"] };
      return call("sessions.create", session, auth);
    },
    refresh: (token) => call("sessions.refresh", { refresh_token: token }, auth),
    callerOf: (grant) => signedInAs(grant),
    outbox: (userId) => outboxEvents(running, "sessions", userId),
    liveSessions: (userId) => liveSessions(running, userId),
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
    expires_at: Number.MAX_SAFE_INTEGER,
  };
}

/** Adds a lease holder that never acknowledges, as if its process were stopped or its node gone. */
export async function plantSilentHolder(database: TestDatabase, ms: number): Promise<SilentHolder> {
  const gatewayId = randomUUID();
  await database.query(
    `INSERT INTO sessions.leases (gateway_id, node_id, action, until)
     VALUES ($1, 'a-node-that-is-gone', 'gateway.revoked', clock_timestamp() + $2::int * interval '1 ms')`,
    [gatewayId, ms],
  );
  const sql = "SELECT 1 FROM sessions.leases WHERE gateway_id = $1 AND until > clock_timestamp()";
  return { gatewayId, holdsLease: async () => (await database.query(sql, [gatewayId])).length > 0 };
}

interface SilentHolder {
  readonly gatewayId: string;
  /** By the clock of the database, which decides. */
  holdsLease(): Promise<boolean>;
}

/** A client under the service's own role, with the limits of that role. */
export async function connect(ownerUrl: string): Promise<Client> {
  const client = new Client({ connectionString: serviceUrl({ url: ownerUrl }, "sessions") });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/** The error code of a rejected promise, or "nothing". */
export async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "nothing";
  } catch (error) {
    return (error as { type?: string }).type ?? String(error);
  }
}
