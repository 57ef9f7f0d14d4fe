import type { CursorPosition } from "../../../lib/actions/cursor.ts";
import { containsPattern, hasTrigram } from "../../../lib/database/like.ts";
import type { Queryable } from "../../../mixins/database/database.mixin.ts";
import { type UserRow, userColumns } from "../core/users.repo.ts";

export interface UserFilter {
  readonly tenantId: string;
  readonly words: readonly string[];
  readonly status: "active" | "inactive" | "verified" | "unverified" | "deleted" | undefined;
  /** Undefined means any role. */
  readonly role: string | undefined;
  /** Undefined means any. */
  readonly externalId: string | undefined;
  /** Undefined means all accounts. */
  readonly ids: readonly string[] | undefined;
}

export interface PageRequest {
  readonly sort: "created_at" | "-created_at" | "last_login_at" | "-last_login_at";
  readonly after: CursorPosition | null;
  readonly offset: number;
  readonly limit: number;
}

/** Selects the ids of the page first, by an index. Whole rows are read only for these. */
export function selectUsers(
  on: Queryable,
  filter: UserFilter,
  { sort, after, offset, limit }: PageRequest,
): Promise<UserRow[]> {
  const { where, values } = conditions(filter);
  const key = sortKeys[sort.replace("-", "") as keyof typeof sortKeys];
  const [direction, beyond] = sort.startsWith("-") ? ["DESC", "<"] : ["ASC", ">"];
  if (after) {
    values.push(after.at ?? "-infinity", after.id);
    where.push(`(${key}, u.id) ${beyond} ($${values.length - 1}::timestamptz, $${values.length}::uuid)`);
  }
  values.push(limit, offset);
  return on.query<UserRow>(
    `SELECT ${userColumns}
     FROM (SELECT u.id, ${key} AS sorted_by FROM users.users u WHERE ${where.join(" AND ")}
           ORDER BY ${key} ${direction}, u.id ${direction} LIMIT $${values.length - 1} OFFSET $${values.length}) AS page
     JOIN users.users u ON u.id = page.id LEFT JOIN users.subscriptions s ON s.user_id = u.id
     ORDER BY page.sorted_by ${direction}, page.id ${direction}`,
    values,
  );
}

/** The number of matches, counted up to `max`. */
export async function countUsers(on: Queryable, filter: UserFilter, max: number | null): Promise<number> {
  const { where, values } = conditions(filter);
  values.push(max);
  // Without ORDER BY the scan may start at the head of the table, a million rows before the first of the tenant.
  const inOrder = max === null || filter.words.length > 0 ? "" : "ORDER BY u.created_at";
  const [row] = await on.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM (SELECT FROM users.users u WHERE ${where.join(" AND ")}
       ${inOrder} LIMIT $${values.length}) AS found`,
    values,
  );
  return row?.count ?? 0;
}

/** All accounts up to `max` and the deactivated ones, both counted in small indexes. */
export async function countAll(on: Queryable, max: number | null): Promise<{ size: number; inactive: number }> {
  const [row] = await on.query<{ size: number; inactive: number }>(
    `SELECT (SELECT count(*)::int FROM (SELECT FROM users.users WHERE deleted_at IS NULL LIMIT $1) AS counted) AS size,
            (SELECT count(*)::int FROM users.users WHERE deleted_at IS NULL AND NOT is_active) AS inactive`,
    [max],
  );
  return row ?? { size: 0, inactive: 0 };
}

/** Accounts that never signed in sort first, or last in descending order; as in the indexes. */
const sortKeys = { created_at: "u.created_at", last_login_at: "coalesce(u.last_login_at, '-infinity'::timestamptz)" };

const notDeleted = "u.deleted_at IS NULL";
const statuses = {
  active: [notDeleted, "u.is_active"],
  inactive: [notDeleted, "NOT u.is_active"],
  verified: [notDeleted, "u.is_verified"],
  unverified: [notDeleted, "NOT u.is_verified"],
  deleted: ["u.deleted_at IS NOT NULL"],
};

function conditions({ tenantId, words, status, role, externalId, ids }: UserFilter): {
  where: string[];
  values: unknown[];
} {
  const values: unknown[] = [tenantId];
  const where = ["u.tenant_id = $1", ...(status ? statuses[status] : [notDeleted])];
  for (const word of words) {
    // For a word without a trigram strpos is faster than LIKE: 0.2 s instead of 1 s for 300,000 rows.
    const isIndexed = hasTrigram(word);
    values.push(isIndexed ? containsPattern(word) : word);
    where.push(isIndexed ? `u.search_text LIKE $${values.length}` : `strpos(u.search_text, $${values.length}) > 0`);
  }
  if (role !== undefined) {
    values.push(role);
    where.push(
      `u.id IN (SELECT m.user_id FROM users.role_members m WHERE m.tenant_id = $1 AND m.role = $${values.length})`,
    );
  }
  if (externalId !== undefined) {
    values.push(externalId);
    where.push(`u.external_id = $${values.length}`);
  }
  if (ids !== undefined) {
    values.push(ids);
    where.push(`u.id = ANY($${values.length}::uuid[])`);
  }
  return { where, values };
}
