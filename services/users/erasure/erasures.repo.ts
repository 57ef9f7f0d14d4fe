import type { CursorPosition } from "../../../lib/actions/cursor.ts";
import { columnsOf, type RowOf } from "../../../lib/database/entity.ts";
import type { Database, Queryable, Transaction } from "../../../mixins/database/database.mixin.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";
import { deleteOf } from "../../../mixins/personal-data/erasure.ts";
import type { Account } from "../core/users.repo.ts";
import { Erasures, Users } from "../users.entities.ts";

/** Without dates while the account is kept. */
export type ErasureRow = RowOf<typeof Erasures>;
export type ScheduledErasure = ErasureRow & { readonly due_at: Date; readonly deadline: Date };

const columns = columnsOf(Erasures, "e");

export async function markDeleted(tx: InvalidatingTransaction, id: string, eventId: string): Promise<void> {
  await tx.repository(Users).update(
    { id },
    {
      is_active: false,
      status_event_id: eventId,
      deleted_at: () => "clock_timestamp()",
      updated_at: () => "clock_timestamp()",
    },
  );
}

interface ErasureRequest {
  readonly id: string;
  readonly account: Pick<Account, "id" | "tenant_id">;
  /** Null for an operator. */
  readonly requestedBy: string | null;
  /** Null: the account is kept until someone asks for its erasure. */
  readonly graceDays: number | null;
  readonly deadlineDays: number;
}

/**
 * If the erasure is requested more than once, the earliest date applies. Resolves to that date, or to null if the account
 * is kept. An administrator's request replaces the owner's, who then can no longer take theirs back.
 */
export async function scheduleErasure(tx: Transaction, request: ErasureRequest): Promise<Date | null> {
  const [row] = await tx.query<{ due_at: Date | null }>(
    `INSERT INTO users.erasures AS e (id, user_id, tenant_id, requested_by, due_at, deadline)
     SELECT $1, $2, $3, $4, due, due + make_interval(days => $6)
     FROM (SELECT clock_timestamp() + make_interval(days => $5::int) AS due) AS t
     ON CONFLICT (user_id) DO UPDATE SET due_at = least(e.due_at, excluded.due_at), deadline = least(e.deadline, excluded.deadline),
       requested_by = CASE WHEN e.requested_by = e.user_id THEN excluded.requested_by ELSE e.requested_by END
     RETURNING due_at`,
    [
      request.id,
      request.account.id,
      request.account.tenant_id,
      request.requestedBy,
      request.graceDays,
      request.deadlineDays,
    ],
  );
  if (!row) throw new Error("The upsert returned no row");
  return row.due_at;
}

/** False if the erasure has begun. */
export async function cancelDeletion(tx: InvalidatingTransaction, userId: string): Promise<boolean> {
  const gone = await tx.query("DELETE FROM users.erasures WHERE user_id = $1 AND tried_at IS NULL RETURNING id", [
    userId,
  ]);
  if (gone.length === 1) await tx.query("UPDATE users.users SET deleted_at = NULL WHERE id = $1", [userId]);
  return gone.length === 1;
}

export function readErasure(on: Queryable, userId: string): Promise<ErasureRow | null> {
  return on.repository(Erasures).findOneBy({ user_id: userId });
}

/** Not the accounts that are kept. */
export function listOpenErasures(db: Database, limit: number): Promise<ScheduledErasure[]> {
  return db.query(`SELECT ${columns} FROM users.erasures e WHERE ${listOrders.open.where} ORDER BY due_at LIMIT $1`, [
    limit,
  ]);
}

export interface ErasureListFilter {
  readonly tenantId: string;
  readonly state: "open" | "completed";
}

const listOrders = {
  open: { where: "e.completed_at IS NULL AND e.due_at IS NOT NULL", key: "e.due_at", direction: "ASC", beyond: ">" },
  completed: { where: "e.completed_at IS NOT NULL", key: "e.completed_at", direction: "DESC", beyond: "<" },
} as const;

/** Erasures with the address of the account, unless it is erased already. */
export function listErasuresOfTenant(
  on: Queryable,
  { tenantId, state }: ErasureListFilter,
  after: CursorPosition | null,
  limit: number,
): Promise<Array<ScheduledErasure & { readonly email: string | null }>> {
  const { where, key, direction, beyond } = listOrders[state];
  return on.query(
    `SELECT ${columns}, u.email FROM users.erasures e LEFT JOIN users.users u ON u.id = e.user_id
     WHERE e.tenant_id = $1 AND ${where} AND ($2::timestamptz IS NULL OR (${key}, e.id) ${beyond} ($2::timestamptz, $3::uuid))
     ORDER BY ${key} ${direction}, e.id ${direction} LIMIT $4`,
    [tenantId, after?.at ?? null, after?.id ?? null, limit],
  );
}

/** Counted up to `max`. */
export async function countErasuresOfTenant(
  on: Queryable,
  { tenantId, state }: ErasureListFilter,
  max: number,
): Promise<number> {
  const [row] = await on.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM
       (SELECT FROM users.erasures e WHERE e.tenant_id = $1 AND ${listOrders[state].where} LIMIT $2) AS found`,
    [tenantId, max],
  );
  return row?.count ?? 0;
}

/** The least recently tried first, so that an erasure that keeps failing does not hold up the others. */
export async function listDueErasures(db: Database, limit: number): Promise<string[]> {
  const rows = await db.query<{ user_id: string }>(
    `SELECT user_id FROM users.erasures WHERE completed_at IS NULL AND due_at <= now()
     ORDER BY tried_at NULLS FIRST, due_at LIMIT $1`,
    [limit],
  );
  return rows.map((row) => row.user_id);
}

/** The lock of this row serializes this with `cancelDeletion`: whichever comes second finds nothing to change. */
export async function beginErasure(db: Database, userId: string): Promise<ErasureRow | undefined> {
  const [row] = await db.query<ErasureRow>(
    `UPDATE users.erasures e SET tried_at = clock_timestamp()
     WHERE user_id = $1 AND completed_at IS NULL AND due_at <= clock_timestamp() RETURNING ${columns}`,
    [userId],
  );
  return row;
}

/** The first receipt is kept: a repeated erasure finds nothing to delete. */
export async function keepReceipt(
  db: Database,
  userId: string,
  service: string,
  receipt: Record<string, number>,
): Promise<void> {
  await db.query(
    `UPDATE users.erasures SET receipts = ${withReceipt("$2::text", "$3::jsonb")} WHERE user_id = $1 AND completed_at IS NULL`,
    [userId, service, JSON.stringify(receipt)],
  );
}

export async function completeErasure(tx: Transaction, userId: string, receipt: Record<string, number>): Promise<void> {
  await tx.query(
    `UPDATE users.erasures SET receipts = ${withReceipt("'users'", "$2::jsonb")},
       completed_at = clock_timestamp(), purge_at = clock_timestamp() WHERE user_id = $1`,
    [userId, JSON.stringify(receipt)],
  );
}

function withReceipt(service: string, rows: string): string {
  const at = `to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
  return `jsonb_build_object(${service}, jsonb_build_object('at', ${at}, 'rows', ${rows})) || receipts`;
}

/** Locks the erasure, so that it is completed once. Undefined if it is already completed. */
export async function lockErasure(tx: Transaction, userId: string): Promise<ErasureRow | undefined> {
  const [row] = await tx.query<ErasureRow>(
    `SELECT ${columns} FROM users.erasures e WHERE user_id = $1 AND completed_at IS NULL FOR UPDATE`,
    [userId],
  );
  return row;
}

const tablesByUser = ["profiles", "role_members", "subscriptions", "email_changes", "directory"] as const;

/** Avatars whose bytes are still being stored lose their account here and are swept later. */
export async function deleteAccount(tx: InvalidatingTransaction, userId: string): Promise<Record<string, number>> {
  tx.assertInvalidated(userId);
  const deleted: Record<string, number> = {};
  for (const table of tablesByUser)
    deleted[table] = await deleteOf(tx, `DELETE FROM users.${table} WHERE user_id = $1`, userId);
  return { ...deleted, users: await deleteOf(tx, "DELETE FROM users.users WHERE id = $1", userId) };
}

export async function hasAccount(db: Database, userId: string): Promise<boolean> {
  return (await db.query("SELECT 1 FROM users.users WHERE id = $1", [userId])).length === 1;
}

export async function countErasures(db: Database): Promise<{ open: number; overdue: number }> {
  const [row] = await db.query<{ open: number; overdue: number }>(
    `SELECT count(*)::int AS open, count(*) FILTER (WHERE deadline < clock_timestamp())::int AS overdue
     FROM users.erasures e WHERE ${listOrders.open.where}`,
  );
  return row ?? { open: 0, overdue: 0 };
}

export function listPurgesDue(db: Database, limit: number): Promise<Array<Pick<ErasureRow, "user_id" | "tenant_id">>> {
  return db.query("SELECT user_id, tenant_id FROM users.erasures WHERE purge_at <= now() ORDER BY purge_at LIMIT $1", [
    limit,
  ]);
}

/**
 * The purge is repeated for a day at doubling intervals, because a relay that was paused may still publish events it had
 * read.
 */
export async function planNextPurge(db: Database, userId: string): Promise<void> {
  await db.query(
    `UPDATE users.erasures SET purge_at = CASE WHEN clock_timestamp() < completed_at + interval '25 hours'
       THEN clock_timestamp() + least(clock_timestamp() - completed_at + interval '5 s', interval '1 hour') END
     WHERE user_id = $1`,
    [userId],
  );
}
