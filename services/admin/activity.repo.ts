import type { Position } from "../../lib/runtime/cursor.ts";
import type { Database } from "../../mixins/database.mixin.ts";

export interface ActivityRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly action: string;
  readonly actor_id: string | null;
  readonly user_id: string | null;
  readonly at: Date;
  readonly ip: string | null;
  readonly correlation_id: string | null;
  readonly details: Record<string, unknown>;
}

/** Once for each id; nothing of an account that was erased meanwhile. */
export async function insertActivity(
  db: Database,
  entry: Omit<ActivityRow, "at"> & { readonly at: string },
): Promise<void> {
  await db.query(
    `INSERT INTO admin.activity (id, tenant_id, action, actor_id, user_id, at, ip, correlation_id, details)
     SELECT $1::uuid, $2::uuid, $3, $4::uuid, $5::uuid, $6::timestamptz, $7, $8, $9::jsonb
     WHERE NOT EXISTS (SELECT FROM admin.erased WHERE user_id = $5::uuid) ON CONFLICT DO NOTHING`,
    [
      entry.id,
      entry.tenant_id,
      entry.action,
      entry.actor_id,
      entry.user_id,
      entry.at,
      entry.ip,
      entry.correlation_id,
      JSON.stringify(entry.details),
    ],
  );
}

/** Of a tenant, or of one account: never of all. */
export type ActivityScope =
  | { readonly tenant_id: string; readonly user_id?: string }
  | { readonly tenant_id?: undefined; readonly user_id: string };

interface ActivityRequest {
  readonly actor_id?: string | undefined;
  readonly action?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

type ActivityFilter = ActivityScope & ActivityRequest;

/** Newest first. */
export function selectActivity(
  db: Database,
  filter: ActivityFilter,
  after: Position | null,
  limit: number,
): Promise<ActivityRow[]> {
  const { values, where } = conditions(filter);
  if (after) {
    values.push(after.at, after.id);
    where.push(`(at, id) < ($${values.length - 1}::timestamptz, $${values.length}::uuid)`);
  }
  values.push(limit);
  return db.query(
    `SELECT id, action, actor_id, user_id, at, ip, correlation_id, details FROM admin.activity
     WHERE ${where.join(" AND ")} ORDER BY at DESC, id DESC LIMIT $${values.length}`,
    values,
  );
}

/** How many match, counted no further than `most`. */
export async function countActivity(db: Database, filter: ActivityFilter, most: number): Promise<number> {
  const { values, where } = conditions(filter);
  values.push(most);
  const [row] = await db.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM
       (SELECT FROM admin.activity WHERE ${where.join(" AND ")} ORDER BY at DESC LIMIT $${values.length}) AS found`,
    values,
  );
  return row?.n ?? 0;
}

/** The last 24 hours of all tenants, from an index of these two alone: a log of millions is not read for it. */
export async function countSignIns(db: Database): Promise<{ made: number; refused: number }> {
  const [row] = await db.query<{ made: number; refused: number }>(
    `SELECT count(*) FILTER (WHERE action = 'session.created')::int AS made,
       count(*) FILTER (WHERE action = 'sign_in.refused')::int AS refused
     FROM admin.activity WHERE action IN ('session.created', 'sign_in.refused') AND at > now() - interval '24 hours'`,
  );
  return row ?? { made: 0, refused: 0 };
}

function conditions(filter: ActivityFilter): { values: unknown[]; where: string[] } {
  const values: unknown[] = [];
  const where: string[] = [];
  const add = (condition: (place: string) => string, value: unknown) => {
    if (value === undefined) return;
    values.push(value);
    where.push(condition(`$${values.length}`));
  };
  add((place) => `tenant_id = ${place}::uuid`, filter.tenant_id);
  add((place) => `user_id = ${place}::uuid`, filter.user_id);
  add((place) => `actor_id = ${place}::uuid`, filter.actor_id);
  add((place) => `action = ${place}`, filter.action);
  add((place) => `at >= ${place}::timestamptz`, filter.from);
  add((place) => `at < ${place}::timestamptz`, filter.to);
  return { values, where };
}
