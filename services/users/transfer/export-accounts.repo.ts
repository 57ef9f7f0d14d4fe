import type { Queryable } from "../core/users.repo.ts";
import type { ProfileRow } from "../users.entities.ts";

export interface ExportRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly tenant: string;
  readonly email: string;
  readonly username: string | null;
  readonly full_name: string | null;
  readonly current_title: string | null;
  readonly company: string | null;
  readonly location: string | null;
  readonly bio: string | null;
  readonly push_token: string | null;
  readonly is_active: boolean;
  readonly is_verified: boolean;
  readonly privacy_profile: "public" | "private" | "connections";
  readonly privacy_location: boolean;
  readonly created_at: Date;
  readonly last_login_at: Date | null;
  readonly plan: string | null;
  readonly expires_at: Date | null;
}

export type Position = Pick<ExportRow, "tenant_id" | "id"> & { readonly created_at: Date | string };

interface PageRequest {
  /** null: of all tenants. */
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
    `SELECT u.id, u.tenant_id, t.slug AS tenant, u.email, u.username, u.full_name, u.current_title, u.company, u.location,
       u.bio, u.push_token, u.is_active, u.is_verified, u.privacy_profile, u.privacy_location, u.created_at,
       u.last_login_at, s.plan, s.expires_at
     FROM users.users u JOIN users.tenants t ON t.id = u.tenant_id
     LEFT JOIN users.subscriptions s ON s.user_id = u.id AND (s.expires_at IS NULL OR s.expires_at > clock_timestamp())
     WHERE u.deleted_at IS NULL AND (u.tenant_id, u.created_at, u.id) > ($1::uuid, $2::timestamptz, $3::uuid)
       ${tenantId === null ? "" : "AND u.tenant_id = $5"}
     ORDER BY u.tenant_id, u.created_at, u.id LIMIT $4`,
    [tenant_id, created_at, id, limit, ...(tenantId === null ? [] : [tenantId])],
  );
}

export async function readProfiles(on: Queryable, userIds: readonly string[]): Promise<Map<string, ProfileRow>> {
  const sql = "SELECT * FROM users.profiles WHERE user_id = ANY($1::uuid[])";
  return new Map((await on.query<ProfileRow>(sql, [userIds])).map((row) => [row.user_id, row]));
}
