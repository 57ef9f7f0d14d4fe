import { columnsOf, type RowOf } from "../../../lib/database/entity.ts";
import type { Queryable, Transaction } from "../../../mixins/database.mixin.ts";
import { Tenants } from "../users.entities.ts";

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

export function findTenant(
  on: Queryable,
  by: { readonly id: string } | { readonly slug: string },
): Promise<TenantRow | null> {
  return on.repository(Tenants).findOneBy("id" in by ? { id: by.id } : { slug: by.slug });
}

export async function lockTenant(tx: Transaction, id: string): Promise<TenantRow | undefined> {
  const [row] = await tx.query<TenantRow>(`SELECT ${columns} FROM users.tenants t WHERE id = $1 FOR NO KEY UPDATE`, [
    id,
  ]);
  return row;
}

/** Undefined if the slug is taken. */
export async function insertTenant(
  tx: Transaction,
  tenant: Pick<TenantRow, "id" | "slug" | "name">,
): Promise<TenantRow | undefined> {
  const [row] = await tx.query<TenantRow>(
    `INSERT INTO users.tenants AS t (id, slug, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING ${columns}`,
    [tenant.id, tenant.slug, tenant.name],
  );
  return row;
}

export async function updateTenant(
  tx: Transaction,
  { id, name, settings, settings_event_id }: TenantRow,
): Promise<TenantRow | undefined> {
  const [row] = await tx.query<TenantRow>(
    `UPDATE users.tenants t SET name = $2, settings = $3::jsonb, settings_event_id = $4, updated_at = clock_timestamp()
     WHERE id = $1 RETURNING ${columns}`,
    [id, name, JSON.stringify(settings), settings_event_id],
  );
  return row;
}

/** Accounts that are not deleted, counted up to `max`. */
export async function countAccounts(on: Queryable, tenantId: string, max: number): Promise<number> {
  const [row] = await on.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM
       (SELECT FROM users.users WHERE tenant_id = $1 AND deleted_at IS NULL LIMIT $2) AS found`,
    [tenantId, max],
  );
  return row?.n ?? 0;
}
