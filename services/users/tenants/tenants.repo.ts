import type { Transaction } from "../../../mixins/database.mixin.ts";
import type { Queryable } from "../core/users.repo.ts";

/** As they are stored: only what the tenant has set. */
export interface StoredSettings {
  readonly password_policy?: "classic" | "length" | "nist";
  readonly access_token_minutes?: number;
  readonly refresh_token_days?: number;
  readonly session_max_days?: number;
  readonly max_users?: number;
}

export interface TenantRow {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly settings: StoredSettings;
  readonly created_at: Date;
  readonly updated_at: Date;
  /** The event that stated the present settings. */
  readonly settings_event_id: string | null;
}

const columns = "id, slug, name, settings, created_at, updated_at, settings_event_id";

export async function listTenants(
  on: Queryable,
  { offset, limit }: { readonly offset: number; readonly limit: number },
): Promise<{ rows: TenantRow[]; total: number }> {
  const [rows, counted] = await Promise.all([
    on.query<TenantRow>(`SELECT ${columns} FROM users.tenants ORDER BY slug LIMIT $1 OFFSET $2`, [limit, offset]),
    on.query<{ total: number }>("SELECT count(*)::int AS total FROM users.tenants"),
  ]);
  return { rows, total: counted[0]?.total ?? 0 };
}

export async function findTenant(
  on: Queryable,
  by: { readonly id: string } | { readonly slug: string },
): Promise<TenantRow | undefined> {
  const [column, value] = "id" in by ? ["id", by.id] : ["slug", by.slug];
  const [row] = await on.query<TenantRow>(`SELECT ${columns} FROM users.tenants WHERE ${column} = $1`, [value]);
  return row;
}

export async function lockTenant(tx: Transaction, id: string): Promise<TenantRow | undefined> {
  const [row] = await tx.query<TenantRow>(`SELECT ${columns} FROM users.tenants WHERE id = $1 FOR NO KEY UPDATE`, [id]);
  return row;
}

/** Undefined where the slug is taken. */
export async function insertTenant(
  tx: Transaction,
  tenant: Pick<TenantRow, "id" | "slug" | "name">,
): Promise<TenantRow | undefined> {
  const [row] = await tx.query<TenantRow>(
    `INSERT INTO users.tenants (id, slug, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING ${columns}`,
    [tenant.id, tenant.slug, tenant.name],
  );
  return row;
}

export async function updateTenant(
  tx: Transaction,
  { id, name, settings, settings_event_id }: TenantRow,
): Promise<TenantRow | undefined> {
  const [row] = await tx.query<TenantRow>(
    `UPDATE users.tenants SET name = $2, settings = $3::jsonb, settings_event_id = $4, updated_at = clock_timestamp()
     WHERE id = $1 RETURNING ${columns}`,
    [id, name, JSON.stringify(settings), settings_event_id],
  );
  return row;
}

/** Accounts that are not deleted, counted no further than `most`. */
export async function countAccounts(on: Queryable, tenantId: string, most: number): Promise<number> {
  const [row] = await on.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM
       (SELECT FROM users.users WHERE tenant_id = $1 AND deleted_at IS NULL LIMIT $2) AS found`,
    [tenantId, most],
  );
  return row?.n ?? 0;
}
