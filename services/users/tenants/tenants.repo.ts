import { AppError } from "../../../lib/actions/errors.ts";
import { violatedConstraint } from "../../../lib/database/database-errors.ts";
import { columnsOf, type RowOf } from "../../../lib/database/entity.ts";
import type { Database, Queryable, Transaction } from "../../../mixins/database/database.mixin.ts";
import { findTenantId, isHidden } from "../core/users.repo.ts";
import { Roles, TenantLogos, Tenants } from "../users.entities.ts";

export type TenantRow = RowOf<typeof Tenants>;

const columns = columnsOf(Tenants, "t");

export async function listTenants(
  on: Queryable,
  { offset, limit }: { readonly offset: number; readonly limit: number },
): Promise<{ rows: TenantRow[]; total: number }> {
  const [rows, total] = await on
    .repository(Tenants)
    .findAndCount({ order: { slug: "ASC" }, skip: offset, take: limit });
  return { rows, total };
}

/** `slug` is the current slug of the tenant or a former one. */
export async function findTenant(
  on: Queryable,
  by: { readonly id: string } | { readonly slug: string },
): Promise<TenantRow | null> {
  const id = "id" in by ? by.id : await findTenantId(on, by.slug);
  return id === undefined ? null : on.repository(Tenants).findOneBy({ id });
}

export async function lockTenant(tx: Transaction, id: string): Promise<TenantRow | undefined> {
  const [row] = await tx.query<TenantRow>(`SELECT ${columns} FROM users.tenants t WHERE id = $1 FOR NO KEY UPDATE`, [
    id,
  ]);
  return row;
}

/** Violates `tenants_slug_key` if another tenant has the slug, and `tenant_slugs_pkey` if another tenant had it. */
async function orSlugTaken<T>(statement: Promise<T>): Promise<T> {
  try {
    return await statement;
  } catch (error) {
    if (["tenants_slug_key", "tenant_slugs_pkey"].includes(violatedConstraint(error) ?? ""))
      throw new AppError("slug_taken");
    throw error;
  }
}

/** 409 `slug_taken`. */
export async function insertTenant(
  tx: Transaction,
  { id, slug, name, settings }: Pick<TenantRow, "id" | "slug" | "name" | "settings">,
): Promise<TenantRow> {
  const [row] = await orSlugTaken(
    tx.query<TenantRow>(
      `INSERT INTO users.tenants AS t (id, slug, name, settings) VALUES ($1, $2, $3, $4::jsonb)
       ON CONFLICT DO NOTHING RETURNING ${columns}`,
      [id, slug, name, JSON.stringify(settings)],
    ),
  );
  if (!row) throw new AppError("slug_taken");
  return row;
}

/** 409 `slug_taken`. */
export async function updateTenant(tx: Transaction, tenant: TenantRow): Promise<TenantRow | undefined> {
  const { id, slug, name, settings, settings_event_id, is_active, delete_at, logo_hash } = tenant;
  const [row] = await orSlugTaken(
    tx.query<TenantRow>(
      `UPDATE users.tenants t SET slug = $2, name = $3, settings = $4::jsonb, settings_event_id = $5, is_active = $6,
         delete_at = $7, logo_hash = $8, updated_at = clock_timestamp() WHERE id = $1 RETURNING ${columns}`,
      [id, slug, name, JSON.stringify(settings), settings_event_id, is_active, delete_at, logo_hash],
    ),
  );
  return row;
}

export async function findLogo(on: Queryable, tenantId: string): Promise<Buffer | undefined> {
  return (await on.repository(TenantLogos).findOneBy({ tenant_id: tenantId }))?.png;
}

/** Undefined removes it. */
export async function replaceLogo(tx: Transaction, tenantId: string, png: Buffer | undefined): Promise<void> {
  if (png === undefined) await tx.repository(TenantLogos).delete({ tenant_id: tenantId });
  else await tx.repository(TenantLogos).upsert({ tenant_id: tenantId, png }, ["tenant_id"]);
}

/** Accounts that are neither deleted nor hidden, counted up to `max`. */
export async function countAccounts(on: Queryable, tenantId: string, max: number): Promise<number> {
  const [row] = await on.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM
       (SELECT FROM users.users u WHERE tenant_id = $1 AND deleted_at IS NULL AND NOT ${isHidden("u")} LIMIT $2) AS found`,
    [tenantId, max],
  );
  return row?.n ?? 0;
}

/** Tenants whose erasure has begun and is not finished. */
export async function listTenantsToErase(db: Database): Promise<string[]> {
  const sql = "SELECT id FROM users.tenants WHERE delete_at <= now() ORDER BY delete_at LIMIT 10";
  return (await db.query<{ id: string }>(sql)).map((row) => row.id);
}

/**
 * Makes the erasure of accounts of the tenant due now, at most `limit` at a time. Resolves to their number. Those that an
 * owner or administrator has deleted before keep their entry.
 */
export async function scheduleErasures(db: Database, tenantId: string, limit: number): Promise<number> {
  const rows = await db.query(
    `INSERT INTO users.erasures AS e (id, user_id, tenant_id, requested_by, due_at, deadline)
     SELECT gen_random_uuid(), u.id, u.tenant_id, NULL, clock_timestamp(), clock_timestamp() + interval '7 days'
     FROM users.users u WHERE u.tenant_id = $1
       AND NOT EXISTS (SELECT FROM users.erasures d WHERE d.user_id = u.id AND d.due_at <= clock_timestamp())
     LIMIT $2
     ON CONFLICT (user_id) DO UPDATE SET due_at = excluded.due_at, deadline = coalesce(e.deadline, excluded.deadline) RETURNING id`,
    [tenantId, limit],
  );
  return rows.length;
}

/** Deleted accounts count until they are erased. */
export async function hasAccounts(on: Queryable, tenantId: string): Promise<boolean> {
  return (await on.query("SELECT FROM users.users WHERE tenant_id = $1 LIMIT 1", [tenantId])).length > 0;
}

/** False while the tenant has accounts. Once it is deleted, its slugs are free. */
export async function deleteEmptyTenant(tx: Transaction, id: string): Promise<boolean> {
  await lockTenant(tx, id);
  if (await hasAccounts(tx, id)) return false;
  await tx.repository(Roles).delete({ tenant_id: id });
  await tx.repository(Tenants).delete({ id });
  return true;
}
