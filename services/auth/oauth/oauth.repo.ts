import type { Database, Transaction } from "../../../mixins/database.mixin.ts";
import { deleteInBatches } from "../../../mixins/service-sweep.ts";

type Queryable = Pick<Database, "query">;

/** The signed-in user who links a provider, as he was when he began. */
export interface Linker {
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
  readonly linker: Linker | null;
}

export type SpentState = Pick<NewState, "hash" | "kid" | "tenant" | "return_to" | "use_cookies" | "linker">;

export async function insertState(db: Queryable, state: NewState): Promise<void> {
  const sql = `INSERT INTO auth.oauth_states
      (hash, kid, provider, tenant, browser_hash, address_hash, return_to, use_cookies,
       user_id, tenant_id, session_id, epoch)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`;
  const { hash, kid, provider, tenant, browser_hash, address_hash, return_to, use_cookies, linker } = state;
  const who = [linker?.user_id ?? null, linker?.tenant_id ?? null, linker?.session_id ?? null, linker?.epoch ?? null];
  const how = [hash, kid, provider, tenant, browser_hash, address_hash, return_to, use_cookies];
  await db.query(sql, [...how, ...who]);
}

type Returning = Pick<NewState, "hash" | "provider" | "browser_hash" | "address_hash">;

/**
 * Of n at once one gets it, and only the browser that began, at the provider it was begun with. A link may have been
 * begun by a client without cookies: then by the address it was begun from, or by the session that has to confirm it.
 */
export async function spendState(db: Queryable, back: Returning): Promise<SpentState | null> {
  const sql = `UPDATE auth.oauth_states SET spent_at = clock_timestamp()
    WHERE hash = $1 AND provider = $2 AND spent_at IS NULL AND created_at > clock_timestamp() - interval '10 minutes'
      AND (browser_hash = $3 OR (user_id IS NOT NULL AND (return_to IS NOT NULL OR address_hash = $4)))
    RETURNING hash, kid, tenant, return_to, use_cookies, user_id, tenant_id, session_id, epoch`;
  const [row] = await db.query<Omit<SpentState, "linker"> & Nullable<Linker>>(sql, [
    back.hash,
    back.provider,
    back.browser_hash,
    back.address_hash,
  ]);
  if (!row) return null;
  const { hash, kid, tenant, return_to, use_cookies } = row;
  return { hash, kid, tenant, return_to, use_cookies, linker: linkerOf(row) };
}

type Nullable<T> = { readonly [K in keyof T]: T[K] | null };

function linkerOf({ user_id, tenant_id, session_id, epoch }: Nullable<Linker>): Linker | null {
  if (user_id === null || tenant_id === null || session_id === null || epoch === null) return null;
  return { user_id, tenant_id, session_id, epoch };
}

/** False where a reset or a changed password has ended it meanwhile. */
export async function finishState(tx: Transaction, hash: string): Promise<boolean> {
  return (await tx.query("DELETE FROM auth.oauth_states WHERE hash = $1 RETURNING hash", [hash])).length === 1;
}

export interface ExchangeCode {
  readonly hash: string;
  readonly user_id: string;
  readonly tenant_id: string;
  readonly epoch: number;
  /** Of the browser that signed in. */
  readonly browser_hash: string | null;
  /** A link that waits for the word of this session. */
  readonly link: {
    readonly session_id: string;
    readonly issuer: string;
    readonly sub: string;
    readonly email: string | null;
  } | null;
}

export async function insertCode(db: Queryable, code: ExchangeCode): Promise<void> {
  const sql = `INSERT INTO auth.oauth_codes (hash, user_id, tenant_id, epoch, browser_hash, session_id, issuer, sub, email)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`;
  const { hash, user_id, tenant_id, epoch, browser_hash, link } = code;
  const waiting = [link?.session_id ?? null, link?.issuer ?? null, link?.sub ?? null, link?.email ?? null];
  await db.query(sql, [hash, user_id, tenant_id, epoch, browser_hash, ...waiting]);
}

type CodeRow = Omit<ExchangeCode, "link"> & Nullable<NonNullable<ExchangeCode["link"]>>;

/** One that is good now; a link's for the session that began it and for no other. */
export async function findCode(db: Queryable, hash: string, sessionId: string | null): Promise<ExchangeCode | null> {
  const sql = `SELECT hash, user_id, tenant_id, epoch, browser_hash, session_id, issuer, sub, email FROM auth.oauth_codes
    WHERE hash = $1 AND created_at > clock_timestamp() - interval '60 seconds' AND (session_id IS NULL OR session_id = $2)`;
  const [row] = await db.query<CodeRow>(sql, [hash, sessionId]);
  if (!row) return null;
  const { user_id, tenant_id, epoch, browser_hash, session_id, issuer, sub, email } = row;
  const link = session_id && issuer && sub ? { session_id, issuer, sub, email } : null;
  return { hash, user_id, tenant_id, epoch, browser_hash, link };
}

/** Of n at once one gets true. */
export async function consumeCode(db: Queryable, hash: string): Promise<boolean> {
  return (await db.query("DELETE FROM auth.oauth_codes WHERE hash = $1 RETURNING hash", [hash])).length === 1;
}

/** Links under way end with the password they were begun under: whoever had it must not leave a way in behind. */
export async function cancelPendingLinks(tx: Transaction, userId: string): Promise<void> {
  await tx.query("DELETE FROM auth.oauth_states WHERE user_id = $1", [userId]);
  await tx.query("DELETE FROM auth.oauth_codes WHERE user_id = $1", [userId]);
}

export async function deleteOldOAuth(db: Database): Promise<number> {
  const old = "created_at < now() - interval '1 hour'";
  return (await deleteInBatches(db, "auth.oauth_states", old)) + (await deleteInBatches(db, "auth.oauth_codes", old));
}
