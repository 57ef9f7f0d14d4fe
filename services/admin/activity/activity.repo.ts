import type { CursorPosition } from "../../../lib/actions/cursor.ts";
import { columnNames, columnsOf, type RowOf } from "../../../lib/database/entity.ts";
import type { Database, Transaction } from "../../../mixins/database/database.mixin.ts";
import { type ExportSection, rowsOf } from "../../../mixins/personal-data/export-pages.ts";
import { Activity, chainColumns } from "../admin.entities.ts";

export type ActivityRow = RowOf<typeof Activity>;

/** Does nothing if the id exists already or the entry is about an erased user. */
export async function insertActivity(
  db: Database,
  entry: Omit<ActivityRow, "at" | (typeof chainColumns)[number]> & { readonly at: string },
): Promise<void> {
  await db.query(
    `INSERT INTO admin.activity (id, tenant_id, action, actor_id, actor, user_id, at, ip, correlation_id, details)
     SELECT $1::uuid, $2::uuid, $3, $4::uuid, $5, $6::uuid, $7::timestamptz, $8, $9, $10::jsonb
     WHERE NOT EXISTS (SELECT FROM admin.erased WHERE user_id = $6::uuid) ON CONFLICT DO NOTHING`,
    [
      entry.id,
      entry.tenant_id,
      entry.action,
      entry.actor_id,
      entry.actor,
      entry.user_id,
      entry.at,
      entry.ip,
      entry.correlation_id,
      JSON.stringify(entry.details),
    ],
  );
}

/** Every query is limited to a tenant or an account. */
export type ActivityScope =
  | { readonly tenant_id: string; readonly user_id?: string }
  | { readonly tenant_id?: undefined; readonly user_id: string };

interface ActivityConditions {
  readonly actor_id?: string | undefined;
  readonly action?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

type ActivityFilter = ActivityScope & ActivityConditions;

/** Newest first. */
export function selectActivity(
  db: Database,
  filter: ActivityFilter,
  after: CursorPosition | null,
  limit: number,
): Promise<ActivityRow[]> {
  const { values, where } = conditions(filter);
  if (after) {
    values.push(after.at, after.id);
    where.push(`(at, id) < ($${values.length - 1}::timestamptz, $${values.length}::uuid)`);
  }
  values.push(limit);
  return db.query(
    `SELECT id, action, actor_id, actor, user_id, at, ip, correlation_id, details FROM admin.activity
     WHERE ${where.join(" AND ")} ORDER BY at DESC, id DESC LIMIT $${values.length}`,
    values,
  );
}

/**
 * The number of matching entries, counted up to `max`. The order makes PostgreSQL read an index instead of the whole
 * table.
 */
export async function countActivity(db: Database, filter: ActivityFilter, max: number): Promise<number> {
  const { values, where } = conditions(filter);
  values.push(max);
  const [row] = await db.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM
       (SELECT FROM admin.activity WHERE ${where.join(" AND ")} ORDER BY at DESC LIMIT $${values.length}) AS found`,
    values,
  );
  return row?.n ?? 0;
}

export interface SignInCounts {
  readonly successful: number;
  readonly refused: number;
}

/** Sign-ins of the last 24 hours in all tenants, read from a partial index on these two actions. */
export async function countSignIns(db: Database): Promise<SignInCounts> {
  const [row] = await db.query<SignInCounts>(
    `SELECT count(*) FILTER (WHERE action = 'session.created')::int AS successful,
       count(*) FILTER (WHERE action = 'sign_in.refused')::int AS refused
     FROM admin.activity WHERE action IN ('session.created', 'sign_in.refused') AND at > now() - interval '24 hours'`,
  );
  return row ?? { successful: 0, refused: 0 };
}

export interface ActionCount {
  /** ISO date in UTC. */
  readonly day: string;
  readonly action: string;
  readonly count: number;
}

/** Sign-ins, refused ones and new accounts of a tenant since a time, read from the index on actions. */
export function countByDay(db: Database, tenantId: string, since: string): Promise<ActionCount[]> {
  return db.query<ActionCount>(
    `SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, action, count(*)::int AS count FROM admin.activity
     WHERE tenant_id = $1::uuid AND action IN ('session.created', 'sign_in.refused', 'user.created')
       AND at >= $2::timestamptz GROUP BY 1, 2`,
    [tenantId, since],
  );
}

function conditions(filter: ActivityFilter): { values: unknown[]; where: string[] } {
  const values: unknown[] = [];
  const where: string[] = [];
  const add = (condition: (placeholder: string) => string, value: unknown) => {
    if (value === undefined) return;
    values.push(value);
    where.push(condition(`$${values.length}`));
  };
  add((placeholder) => `tenant_id = ${placeholder}::uuid`, filter.tenant_id);
  add((placeholder) => `user_id = ${placeholder}::uuid`, filter.user_id);
  add((placeholder) => `actor_id = ${placeholder}::uuid`, filter.actor_id);
  add((placeholder) => `action = ${placeholder}`, filter.action);
  add((placeholder) => `at >= ${placeholder}::timestamptz`, filter.from);
  add((placeholder) => `at < ${placeholder}::timestamptz`, filter.to);
  return { values, where };
}

/**
 * The service's role can only insert and read entries. This database function runs as the log's owner and is the only
 * way to change it.
 */
export async function pseudonymise(
  tx: Transaction,
  userId: string,
  pseudonym: string,
): Promise<Record<string, number>> {
  const [row] = await tx.query<{ n: number }>("SELECT admin.pseudonymise($1, $2) AS n", [userId, pseudonym]);
  return { activity: row?.n ?? 0 };
}

/** Keeps later entries about the user out of the log. A function of the owner, as the role may not write the table. */
export async function markErased(tx: Transaction, userId: string): Promise<void> {
  await tx.query("SELECT admin.mark_erased($1)", [userId]);
}

/** A position in the export is the time and the id of an entry, separated by `|`. This one is before all entries. */
const START_POSITION = "-infinity|00000000-0000-0000-0000-000000000000";
const POSITION_COLUMN = `to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '|' || id AS position`;
const AFTER_POSITION = "(at, id) > (split_part($2, '|', 1)::timestamptz, split_part($2, '|', 2)::uuid)";

/** Actor and IP address are exported only if the user is the actor: those of other actors are their personal data. */
const columnsAboutUser = columnsOf(
  Activity,
  "a",
  columnNames(Activity, ["user_id", "actor_id", "actor", "ip", ...chainColumns]),
);

/** `details` and the correlation id are left out, because they are about the other user. */
const columnsAboutOthers = columnsOf(
  Activity,
  "a",
  columnNames(Activity, ["actor_id", "actor", "details", "correlation_id", ...chainColumns]),
);

export function exportSections(db: Database): readonly ExportSection[] {
  return [
    rowsOf(
      db,
      "activity",
      START_POSITION,
      `SELECT ${POSITION_COLUMN}, ${columnsAboutUser}, CASE WHEN actor_id = user_id THEN actor_id END AS actor_id,
         CASE WHEN actor_id = user_id THEN ip END AS ip
       FROM admin.activity a WHERE user_id = $1 AND ${AFTER_POSITION} ORDER BY at, id LIMIT $3`,
    ),
    rowsOf(
      db,
      "acts_on_others",
      START_POSITION,
      `SELECT ${POSITION_COLUMN}, ${columnsAboutOthers} FROM admin.activity a
       WHERE actor_id = $1 AND actor_id IS DISTINCT FROM user_id AND ${AFTER_POSITION} ORDER BY at, id LIMIT $3`,
    ),
  ];
}
