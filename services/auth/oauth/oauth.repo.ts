import type { Database, Queryable, Transaction } from "../../../mixins/database.mixin.ts";
import { deleteInBatches } from "../../../mixins/service-sweep.ts";

/** The signed-in user who started to link a provider, with the session and epoch of that moment. */
export interface LinkingUser {
  readonly user_id: string;
  readonly tenant_id: string;
  readonly session_id: string;
  readonly epoch: number;
}

export interface NewState {
  readonly hash: string;
  readonly kid: string;
  readonly provider: string;
  /** Slug. */
  readonly tenant: string;
  readonly browser_hash: string;
  readonly address_hash: string;
  readonly return_to: string | null;
  readonly use_cookies: boolean;
  /** Null for a sign-in. */
  readonly linking_user: LinkingUser | null;
}

export type SpentState = Pick<NewState, "hash" | "kid" | "tenant" | "return_to" | "use_cookies" | "linking_user">;

export async function insertState(db: Queryable, state: NewState): Promise<void> {
  const sql = `INSERT INTO auth.oauth_states
      (hash, kid, provider, tenant, browser_hash, address_hash, return_to, use_cookies,
       user_id, tenant_id, session_id, epoch)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`;
  const { hash, kid, provider, tenant, browser_hash, address_hash, return_to, use_cookies, linking_user: user } = state;
  const linking = [user?.user_id ?? null, user?.tenant_id ?? null, user?.session_id ?? null, user?.epoch ?? null];
  await db.query(sql, [hash, kid, provider, tenant, browser_hash, address_hash, return_to, use_cookies, ...linking]);
}

type Callback = Pick<NewState, "hash" | "provider" | "browser_hash" | "address_hash">;
type Nullable<T> = { readonly [K in keyof T]: T[K] | null };

/**
 * Of concurrent calls one gets the state, and only in the browser and for the provider that it was created for. A link may
 * have been started by an app without a browser's cookies: then the address it was started from must be the same, or, with
 * a `return_to`, the session that started it confirms the link later.
 */
export async function spendState(db: Queryable, callback: Callback): Promise<SpentState | null> {
  const sql = `UPDATE auth.oauth_states SET spent_at = clock_timestamp()
    WHERE hash = $1 AND provider = $2 AND spent_at IS NULL AND created_at > clock_timestamp() - interval '10 minutes'
      AND (browser_hash = $3 OR (user_id IS NOT NULL AND (return_to IS NOT NULL OR address_hash = $4)))
    RETURNING hash, kid, tenant, return_to, use_cookies, user_id, tenant_id, session_id, epoch`;
  const values = [callback.hash, callback.provider, callback.browser_hash, callback.address_hash];
  const [row] = await db.query<Omit<SpentState, "linking_user"> & Nullable<LinkingUser>>(sql, values);
  if (!row) return null;
  const { hash, kid, tenant, return_to, use_cookies } = row;
  return { hash, kid, tenant, return_to, use_cookies, linking_user: linkingUserOf(row) };
}

function linkingUserOf({ user_id, tenant_id, session_id, epoch }: Nullable<LinkingUser>): LinkingUser | null {
  if (user_id === null || tenant_id === null || session_id === null || epoch === null) return null;
  return { user_id, tenant_id, session_id, epoch };
}

/** False if `cancelPendingLinks` has deleted the state in the meantime. */
export async function deleteState(tx: Transaction, hash: string): Promise<boolean> {
  return (await tx.query("DELETE FROM auth.oauth_states WHERE hash = $1 RETURNING hash", [hash])).length === 1;
}

/** An identity that is linked when the session that started the link exchanges the code. */
export interface PendingLink {
  readonly session_id: string;
  readonly issuer: string;
  readonly sub: string;
  readonly email: string | null;
}

export interface ExchangeCode {
  readonly hash: string;
  readonly user_id: string;
  readonly tenant_id: string;
  readonly epoch: number;
  /** Of the browser that signed in; null for a link. */
  readonly browser_hash: string | null;
  /** Null for a sign-in. */
  readonly link: PendingLink | null;
}

export async function insertCode(db: Queryable, code: ExchangeCode): Promise<void> {
  const sql = `INSERT INTO auth.oauth_codes (hash, user_id, tenant_id, epoch, browser_hash, session_id, issuer, sub, email)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`;
  const { hash, user_id, tenant_id, epoch, browser_hash, link } = code;
  const pending = [link?.session_id ?? null, link?.issuer ?? null, link?.sub ?? null, link?.email ?? null];
  await db.query(sql, [hash, user_id, tenant_id, epoch, browser_hash, ...pending]);
}

type CodeRow = Omit<ExchangeCode, "link"> & Nullable<PendingLink>;

/** A code that is valid now. The code of a link is found only for the session that started the link. */
export async function findCode(db: Queryable, hash: string, sessionId: string | null): Promise<ExchangeCode | null> {
  const sql = `SELECT hash, user_id, tenant_id, epoch, browser_hash, session_id, issuer, sub, email FROM auth.oauth_codes
    WHERE hash = $1 AND created_at > clock_timestamp() - interval '60 seconds' AND (session_id IS NULL OR session_id = $2)`;
  const [row] = await db.query<CodeRow>(sql, [hash, sessionId]);
  if (!row) return null;
  const { user_id, tenant_id, epoch, browser_hash, session_id, issuer, sub, email } = row;
  const link = session_id && issuer && sub ? { session_id, issuer, sub, email } : null;
  return { hash, user_id, tenant_id, epoch, browser_hash, link };
}

/** Of concurrent calls one returns true. */
export async function consumeCode(db: Queryable, hash: string): Promise<boolean> {
  return (await db.query("DELETE FROM auth.oauth_codes WHERE hash = $1 RETURNING hash", [hash])).length === 1;
}

/** Called when the password changes: a link that was started by an intruder who knew the old one must not be completed. */
export async function cancelPendingLinks(tx: Transaction, userId: string): Promise<void> {
  await tx.query("DELETE FROM auth.oauth_states WHERE user_id = $1", [userId]);
  await tx.query("DELETE FROM auth.oauth_codes WHERE user_id = $1", [userId]);
}

export async function deleteOldOAuth(db: Database): Promise<number> {
  const old = "created_at < now() - interval '1 hour'";
  return (await deleteInBatches(db, "auth.oauth_states", old)) + (await deleteInBatches(db, "auth.oauth_codes", old));
}
