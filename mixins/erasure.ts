import type { Database, Transaction } from "./database.mixin.ts";

/** A table of a service with the column that says whose row it is. */
export interface PersonalTable {
  readonly table: string;
  readonly column: string;
}

/** Coarse, so that a transaction that inserts many users' rows holds few locks. */
const BUCKETS = 256;

/**
 * Nothing of an erased user comes in again, whoever writes it: such a row is left out. The insert holds its user's lock
 * shared and looks in a statement of its own, so that it sees the erasure it has waited for. What a user's erasure
 * itself states passes.
 */
export function erasureGuards(schema: string, tables: readonly PersonalTable[]): string[] {
  return [
    `CREATE FUNCTION ${schema}.erasure_lock(p_user_id uuid) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
       SELECT hashtextextended('${schema}.erasure', abs(hashtextextended(p_user_id::text, 0) % ${BUCKETS}))
     $$`,
    ...columnsOf(tables).map(
      (column) => `CREATE FUNCTION ${schema}.skip_erased_by_${column}() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         PERFORM pg_advisory_xact_lock_shared(${schema}.erasure_lock(NEW.${column}));
         IF EXISTS (SELECT FROM ${schema}.erased WHERE user_id = NEW.${column}) THEN RETURN NULL; END IF;
         RETURN NEW;
       END $$`,
    ),
    ...tables.map(
      ({ table, column }) => `CREATE TRIGGER skip_erased BEFORE INSERT ON ${schema}.${table}
       FOR EACH ROW WHEN (NEW.${column} IS NOT NULL) EXECUTE FUNCTION ${schema}.skip_erased_by_${column}()`,
    ),
    `CREATE TRIGGER skip_erased BEFORE INSERT ON ${schema}.outbox
       FOR EACH ROW WHEN (NEW.body ->> 'event_type' IS DISTINCT FROM 'user.erased')
       EXECUTE FUNCTION ${schema}.skip_erased_by_user_id()`,
  ];
}

export function dropErasureGuards(schema: string, tables: readonly PersonalTable[]): string[] {
  const names = ["outbox", ...tables.map(({ table }) => table)];
  return [
    ...names.map((table) => `DROP TRIGGER skip_erased ON ${schema}.${table}`),
    ...columnsOf(tables).map((column) => `DROP FUNCTION ${schema}.skip_erased_by_${column}`),
    `DROP FUNCTION ${schema}.erasure_lock`,
  ];
}

/** The outbox has its user in `user_id`. */
function columnsOf(tables: readonly PersonalTable[]): string[] {
  return [...new Set(["user_id", ...tables.map(({ column }) => column)])];
}

/** A service's own part: deletes its rows of the user and says how many of which. */
export type OwnErasure = (tx: Transaction) => Promise<Record<string, number>>;

/**
 * All of a user in one transaction: the service's rows, its events and jobs of him, the answers it kept. An idempotency
 * key stays, and its repeat is 410. Done again it finds nothing, so it may be repeated until somebody hears of it.
 */
export async function eraseUser(db: Database, userId: string, own: OwnErasure): Promise<Record<string, number>> {
  return db.transaction((tx) => eraseIn(tx, db.schema, userId, own));
}

/** The same in a transaction that does more. */
export async function eraseIn(
  tx: Transaction,
  schema: string,
  userId: string,
  own: OwnErasure,
): Promise<Record<string, number>> {
  await tx.query("SET LOCAL statement_timeout = '25s'");
  await tx.query(`SELECT pg_advisory_xact_lock(${schema}.erasure_lock($1))`, [userId]);
  await tx.query(`INSERT INTO ${schema}.erased (user_id) VALUES ($1) ON CONFLICT DO NOTHING`, [userId]);
  const rows = await own(tx);
  const outbox = await deleteOf(
    tx,
    `DELETE FROM ${schema}.outbox WHERE user_id = $1 AND body ->> 'event_type' IS DISTINCT FROM 'user.erased'`,
    userId,
  );
  const answers = await deleteOf(
    tx,
    `UPDATE ${schema}.idempotency SET answer = NULL WHERE user_id = $1 AND answer IS NOT NULL`,
    userId,
  );
  return { ...rows, outbox, answers };
}

/** How many rows a DELETE or UPDATE takes; `$1` is the user. */
export async function deleteOf(
  tx: Transaction,
  statement: string,
  userId: string,
  ...more: readonly unknown[]
): Promise<number> {
  const sql = `WITH gone AS (${statement} RETURNING 1) SELECT count(*)::int AS n FROM gone`;
  const [row] = await tx.query<{ n: number }>(sql, [userId, ...more]);
  return row?.n ?? 0;
}
