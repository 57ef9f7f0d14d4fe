import { columnsOf } from "../../../lib/database/entity.ts";
import type { Queryable } from "../../../mixins/database/database.mixin.ts";
import type { Account } from "../core/users.repo.ts";
import { type ProfileRow, Profiles, Users } from "../users.entities.ts";
import { type ImportedColumn, importedColumns } from "./import.repo.ts";

export interface ExportRow extends Pick<Account, ImportedColumn | "tenant_id"> {
  /** The tenant's slug. */
  readonly tenant: string;
  readonly plan: string | null;
  readonly expires_at: Date | null;
}

export type Position = Pick<ExportRow, "tenant_id" | "id"> & { readonly created_at: Date | string };

interface PageRequest {
  /** Null means all tenants. */
  readonly tenantId: string | null;
  readonly after: Position | null;
  readonly limit: number;
}

const beginning: Position = {
  tenant_id: "00000000-0000-0000-0000-000000000000",
  created_at: "-infinity",
  id: "00000000-0000-0000-0000-000000000000",
};

/** In the order of `users_created`, so that a page costs the same at any depth and in any tenant. */
export function readAccountsAfter(on: Queryable, { tenantId, after, limit }: PageRequest): Promise<ExportRow[]> {
  const { tenant_id, created_at, id } = after ?? beginning;
  return on.query<ExportRow>(
    `SELECT ${columnsOf(Users, "u", importedColumns)}, u.tenant_id, t.slug AS tenant, s.plan, s.expires_at
     FROM users.users u JOIN users.tenants t ON t.id = u.tenant_id
     LEFT JOIN users.subscriptions s ON s.user_id = u.id AND (s.expires_at IS NULL OR s.expires_at > clock_timestamp())
     WHERE u.deleted_at IS NULL AND (u.tenant_id, u.created_at, u.id) > ($1::uuid, $2::timestamptz, $3::uuid)
       ${tenantId === null ? "" : "AND u.tenant_id = $5"}
     ORDER BY u.tenant_id, u.created_at, u.id LIMIT $4`,
    [tenant_id, created_at, id, limit, ...(tenantId === null ? [] : [tenantId])],
  );
}

export async function readProfiles(on: Queryable, userIds: readonly string[]): Promise<Map<string, ProfileRow>> {
  const sql = `SELECT ${columnsOf(Profiles, "p")} FROM users.profiles p WHERE user_id = ANY($1::uuid[])`;
  return new Map((await on.query<ProfileRow>(sql, [userIds])).map((row) => [row.user_id, row]));
}
