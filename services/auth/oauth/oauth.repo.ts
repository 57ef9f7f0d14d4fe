import { columnsOf, type RowOf } from "../../../lib/database/entity.ts";
import type { Database, Queryable, Transaction } from "../../../mixins/database/database.mixin.ts";
import { deleteInBatches } from "../../../mixins/service-sweep.ts";
import { OAuthCodes, OAuthStates } from "../auth.entities.ts";

type State = RowOf<typeof OAuthStates>;
type LinkingColumn = "user_id" | "tenant_id" | "session_id" | "epoch";

/** The signed-in user who started to link a provider, with the session and epoch of that moment. */
export type LinkingUser = { readonly [K in LinkingColumn]: NonNullable<State[K]> };

export interface NewState extends Omit<State, LinkingColumn | "created_at" | "spent_at"> {
  /** Null for a sign-in. */
  readonly linking_user: LinkingUser | null;
}

const SPENT_FIELDS = ["hash", "kid", "tenant", "return_to", "use_cookies", "client_state", "code_challenge"] as const;

export type SpentState = Pick<NewState, (typeof SPENT_FIELDS)[number] | "linking_user">;

export async function insertState(db: Queryable, { linking_user, ...state }: NewState): Promise<void> {
  await db.repository(OAuthStates).insert({ ...state, ...linking_user });
}

type Callback = Pick<NewState, "hash" | "provider" | "browser_hash" | "address_hash">;
type Nullable<T> = { readonly [K in keyof T]: T[K] | null };

/**
 * Only one of several concurrent calls gets the state, and only in the browser and for the provider that it was created
 * for. A link may have been started by an app without the browser's cookies. Then the client address must be the one that
 * started the link, or, with a `return_to`, the session that started the link confirms it later.
 */
export async function spendState(db: Queryable, callback: Callback): Promise<SpentState | null> {
  const sql = `UPDATE auth.oauth_states SET spent_at = clock_timestamp()
    WHERE hash = $1 AND provider = $2 AND spent_at IS NULL AND created_at > clock_timestamp() - interval '10 minutes'
      AND (browser_hash = $3 OR (user_id IS NOT NULL AND (return_to IS NOT NULL OR address_hash = $4)))
    RETURNING ${SPENT_FIELDS.join(", ")}, user_id, tenant_id, session_id, epoch`;
  const values = [callback.hash, callback.provider, callback.browser_hash, callback.address_hash];
  const [row] = await db.query<Omit<SpentState, "linking_user"> & Nullable<LinkingUser>>(sql, values);
  if (!row) return null;
  const { user_id, tenant_id, session_id, epoch, ...state } = row;
  return { ...state, linking_user: linkingUserOf({ user_id, tenant_id, session_id, epoch }) };
}

function linkingUserOf({ user_id, tenant_id, session_id, epoch }: Nullable<LinkingUser>): LinkingUser | null {
  if (user_id === null || tenant_id === null || session_id === null || epoch === null) return null;
  return { user_id, tenant_id, session_id, epoch };
}

/** False if `cancelPendingLinks` has deleted the state in the meantime. */
export async function deleteState(tx: Transaction, hash: string): Promise<boolean> {
  return (await tx.repository(OAuthStates).delete({ hash })).affected === 1;
}

type CodeRow = Omit<RowOf<typeof OAuthCodes>, "created_at" | "spent_for" | "replayed">;
type LinkColumn = "session_id" | "issuer" | "sub";

/** An identity that is linked when the session that started the link exchanges the code. */
export type PendingLink = { readonly [K in LinkColumn]: NonNullable<CodeRow[K]> } & Pick<CodeRow, "email">;

export interface ExchangeCode extends Omit<CodeRow, LinkColumn | "email"> {
  /** Null for a sign-in. */
  readonly link: PendingLink | null;
}

export async function insertCode(db: Queryable, { link, ...code }: ExchangeCode): Promise<void> {
  await db.repository(OAuthCodes).insert({ ...code, ...link });
}

/** A code that is valid and unspent now. The code of a link is found only for the session that started the link. */
export async function findCode(db: Queryable, hash: string, sessionId: string | null): Promise<ExchangeCode | null> {
  const sql = `SELECT ${columnsOf(OAuthCodes, "c")} FROM auth.oauth_codes c
    WHERE hash = $1 AND spent_for IS NULL AND created_at > clock_timestamp() - interval '60 seconds'
      AND (session_id IS NULL OR session_id = $2)`;
  const [row] = await db.query<CodeRow>(sql, [hash, sessionId]);
  if (!row) return null;
  const { user_id, tenant_id, epoch, browser_hash, code_challenge, auth_time, session_id, issuer, sub, email } = row;
  const link = session_id && issuer && sub ? { session_id, issuer, sub, email } : null;
  return { hash, user_id, tenant_id, epoch, browser_hash, code_challenge, auth_time, link };
}

/** For the code of a link. Only one of several concurrent calls returns true. */
export async function deleteCode(db: Queryable, hash: string): Promise<boolean> {
  return (await db.repository(OAuthCodes).delete({ hash })).affected === 1;
}

/** For the code of a sign-in. Only one of several concurrent calls returns true. */
export async function spendCode(db: Queryable, hash: string, sessionId: string): Promise<boolean> {
  const sql = "UPDATE auth.oauth_codes SET spent_for = $2 WHERE hash = $1 AND spent_for IS NULL RETURNING hash";
  return (await db.query(sql, [hash, sessionId])).length === 1;
}

/** Marks a spent code as used again. Resolves to the session that it was exchanged for; null for any other code. */
export async function recordReplay(
  db: Queryable,
  hash: string,
): Promise<{ readonly id: string; readonly user_id: string } | null> {
  const sql = `UPDATE auth.oauth_codes SET replayed = true WHERE hash = $1 AND spent_for IS NOT NULL
    RETURNING spent_for AS id, user_id`;
  const [session] = await db.query<{ id: string; user_id: string }>(sql, [hash]);
  return session ?? null;
}

export async function isReplayed(db: Queryable, hash: string): Promise<boolean> {
  return (await db.query("SELECT 1 FROM auth.oauth_codes WHERE hash = $1 AND replayed", [hash])).length === 1;
}

/** Called when the password changes: a link that was started by an intruder who knew the old one must not be completed. */
export async function cancelPendingLinks(tx: Transaction, user_id: string): Promise<void> {
  await tx.repository(OAuthStates).delete({ user_id });
  await tx.repository(OAuthCodes).delete({ user_id });
}

export async function deleteOldOAuth(db: Database): Promise<number> {
  const old = "created_at < now() - interval '1 hour'";
  return (await deleteInBatches(db, "auth.oauth_states", old)) + (await deleteInBatches(db, "auth.oauth_codes", old));
}
