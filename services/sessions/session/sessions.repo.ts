import { columnsOf, type RowOf } from "../../../lib/database/entity.ts";
import type { Database } from "../../../mixins/database/database.mixin.ts";
import { Sessions } from "../sessions.entities.ts";

type Row = RowOf<typeof Sessions>;

/** One entry of the revocation log, as it crosses the bus. */
export interface RevocationEntry {
  readonly seq: number;
  readonly kind: "session" | "user" | "tenant" | "cache";
  readonly key: string;
  readonly value: number | null;
}

/** Everything that a session's tokens are derived from. */
export interface GrantRow {
  readonly session_id: string;
  readonly user_id: string;
  readonly tenant_id: string;
  readonly kid: string;
  readonly salt: string;
  readonly counter: number;
  readonly amr: string[];
  readonly auth_time: number;
  readonly refresh_expires_in: number;
  readonly ver: number;
  readonly tver: number;
}

/** Shown to users so that they recognize their devices. */
export interface Device {
  readonly name: string | null;
  readonly browser: string | null;
  readonly os: string | null;
  readonly type: Row["device_type"];
}

export interface NewSession {
  readonly id: string;
  readonly userId: string;
  readonly tenantId: string;
  readonly epoch: number;
  readonly kid: string;
  readonly salt: string;
  readonly amr: readonly string[];
  /** Seconds; null: now. */
  readonly authTime: number | null;
  readonly device: Device;
  readonly ip: string | null;
  readonly idleSeconds: number;
  readonly maxSeconds: number;
  readonly createdEvent: EventBody;
}

/** An event without its version, which the database assigns. */
export type EventBody = Readonly<Record<string, unknown>>;

export type CreateSessionResult =
  | { readonly outcome: "created"; readonly grant: GrantRow }
  | { readonly outcome: "epoch_moved" }
  | { readonly outcome: "exists" };

export function createSession(db: Database, session: NewSession): Promise<CreateSessionResult> {
  const { id, userId, tenantId, epoch, kid, salt, amr, device, ip, idleSeconds, maxSeconds, createdEvent, authTime } =
    session;
  return callFunction(
    db,
    "SELECT sessions.create_session($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) AS answer",
    [
      id,
      userId,
      tenantId,
      epoch,
      kid,
      salt,
      amr,
      JSON.stringify(device),
      ip,
      idleSeconds,
      maxSeconds,
      JSON.stringify(createdEvent),
      authTime,
    ],
  );
}

export type TokenOwner = Pick<Row, "user_id" | "tenant_id" | "kid" | "salt">;

/**
 * Needs no lock: a session's salt, user and tenant never change. `kid` does change, but is read only to distinguish a forged
 * key id from a key that this node's key ring does not have yet.
 */
export async function findTokenOwner(db: Database, sessionId: string): Promise<TokenOwner | undefined> {
  const [row] = await db.query<TokenOwner>(
    "SELECT user_id, tenant_id, kid, salt FROM sessions.sessions WHERE id = $1",
    [sessionId],
  );
  return row;
}

export interface RefreshRequest {
  readonly id: string;
  readonly counter: number;
  /** Key id that a new token is derived with. */
  readonly kid: string;
  readonly ip: string | null;
  readonly graceSeconds: number;
  readonly idleSeconds: number;
  readonly reusedEvent: EventBody;
  readonly revokedEvent: EventBody;
}

export type RefreshResult =
  | { readonly outcome: "next" | "again" | "superseded" | "ended"; readonly grant: GrantRow }
  | { readonly outcome: "reused"; readonly changes: readonly RevocationEntry[] }
  | { readonly outcome: "unknown" };

export function refreshSession(db: Database, refresh: RefreshRequest): Promise<RefreshResult> {
  const { id, counter, kid, ip, graceSeconds, idleSeconds, reusedEvent, revokedEvent } = refresh;
  return callFunction(db, "SELECT sessions.refresh_session($1, $2, $3, $4, $5, $6, $7, $8) AS answer", [
    id,
    counter,
    kid,
    ip,
    graceSeconds,
    idleSeconds,
    JSON.stringify(reusedEvent),
    JSON.stringify(revokedEvent),
  ]);
}

/** Null if the user has no such session. `changes` must be confirmed by the nodes, even if the session was revoked before. */
export function revokeSession(
  db: Database,
  session: { id: string; userId: string; reason: string; revokedEvent: EventBody },
): Promise<{ readonly changes: readonly RevocationEntry[] } | null> {
  const { id, userId, reason, revokedEvent } = session;
  return callFunction(db, "SELECT sessions.revoke_session($1, $2, $3, $4) AS answer", [
    id,
    userId,
    reason,
    JSON.stringify(revokedEvent),
  ]);
}

interface RevokeAllInput {
  readonly userId: string;
  readonly except: string | null;
  readonly eventId: string;
  readonly reason: string;
  readonly revokedEvent: EventBody;
}

export function revokeAllSessions(
  db: Database,
  input: RevokeAllInput,
): Promise<{ readonly revoked: number; readonly changes: readonly RevocationEntry[] }> {
  const { userId, except, eventId, reason, revokedEvent } = input;
  return callFunction(db, "SELECT sessions.revoke_all($1, $2, $3, $4, $5) AS answer", [
    userId,
    except,
    eventId,
    reason,
    JSON.stringify(revokedEvent),
  ]);
}

export function bumpTokenVersion(
  db: Database,
  kind: "user" | "tenant",
  id: string,
  eventId: string,
): Promise<{ readonly version: number; readonly changes: readonly RevocationEntry[] }> {
  return callFunction(db, "SELECT sessions.bump_token_version($1, $2, $3) AS answer", [kind, id, eventId]);
}

export interface CurrentToken {
  readonly session_id: string;
  readonly user_id: string;
  readonly tenant_id: string;
  readonly iat: number;
  readonly exp: number;
}

/** Undefined unless this is the session's current token and the session is live. */
export async function findCurrentToken(db: Database, id: string, counter: number): Promise<CurrentToken | undefined> {
  const [row] = await db.query<CurrentToken>(
    `SELECT id AS session_id, user_id, tenant_id, floor(extract(epoch FROM last_used_at))::int AS iat,
       floor(extract(epoch FROM expires_at))::int AS exp
     FROM sessions.sessions WHERE id = $1 AND counter = $2 AND ${IS_LIVE}`,
    [id, counter],
  );
  return row;
}

export async function appendCacheInvalidations(db: Database, keys: readonly string[]): Promise<void> {
  await db.query("SELECT sessions.append_revocations('cache', $1::text[], NULL)", [keys]);
}

export async function readEpoch(db: Database, userId: string): Promise<number> {
  const [row] = await db.query<{ epoch: number }>("SELECT epoch FROM sessions.accounts WHERE user_id = $1", [userId]);
  return row?.epoch ?? 0;
}

const FIELDS = [
  "id",
  "device_name",
  "browser",
  "os",
  "device_type",
  "ip",
  "created_at",
  "last_used_at",
  "expires_at",
] as const;
const COLUMNS = columnsOf(Sessions, "s", FIELDS);

export type SessionRow = Pick<Row, (typeof FIELDS)[number]>;

export const IS_LIVE = "revoked_at IS NULL AND expires_at > clock_timestamp()";

export function listLiveSessions(db: Database, userId: string, limit: number): Promise<SessionRow[]> {
  return db.query(
    `SELECT ${COLUMNS} FROM sessions.sessions s WHERE user_id = $1 AND ${IS_LIVE} ORDER BY last_used_at DESC, id LIMIT $2`,
    [userId, limit],
  );
}

export async function countLiveSessions(db: Database, userId: string): Promise<number> {
  const [row] = await db.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM sessions.sessions WHERE user_id = $1 AND ${IS_LIVE}`,
    [userId],
  );
  return row?.n ?? 0;
}

/** Counted up to `max`. */
export async function countAllLiveSessions(db: Database, max: number | null): Promise<{ size: number }> {
  const [row] = await db.query<{ size: number }>(
    `SELECT count(*)::int AS size FROM (SELECT FROM sessions.sessions WHERE ${IS_LIVE} LIMIT $1) AS counted`,
    [max],
  );
  return row ?? { size: 0 };
}

export async function findLiveSession(db: Database, userId: string, id: string): Promise<SessionRow | undefined> {
  const [row] = await db.query<SessionRow>(
    `SELECT ${COLUMNS} FROM sessions.sessions s WHERE user_id = $1 AND id = $2 AND ${IS_LIVE}`,
    [userId, id],
  );
  return row;
}

async function callFunction<T>(db: Database, sql: string, values: readonly unknown[]): Promise<T> {
  const [row] = await db.query<{ answer: T }>(sql, values);
  return row?.answer as T;
}
