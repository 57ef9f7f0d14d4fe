import { columnsOf, type RowOf } from "../../../lib/database/entity.ts";
import type { Queryable } from "../../../mixins/database/database.mixin.ts";
import { isHidden, isUsable } from "../core/users.repo.ts";
import { type StoredSettings, Users } from "../users.entities.ts";

type UserColumns = RowOf<typeof Users>;

const signInFields = ["id", "tenant_id", "email", "username", "full_name", "is_verified"] as const;
const signInColumns = `${columnsOf(Users, "u", signInFields)}, ${isUsable("u")} AS is_active, ${isHidden("u")} AS is_hidden`;

export interface SignInRow extends Pick<UserColumns, (typeof signInFields)[number]> {
  readonly is_active: boolean;
  readonly is_hidden: boolean;
}

export interface NamedAccount {
  readonly tenant_id: string;
  readonly user: SignInRow | null;
}

/** By an email or username in the form that is compared. */
export interface NameKey {
  readonly column: "email_key" | "username_key";
  /** Null finds no account, in the same time. */
  readonly key: string | null;
}

/** Undefined if no tenant has this slug or had it before. */
export async function findByName(
  on: Queryable,
  slug: string,
  { column, key }: NameKey,
): Promise<NamedAccount | undefined> {
  type Row = Partial<Record<keyof SignInRow, null>> | SignInRow;
  const [row] = await on.query<{ readonly tenant_of_slug: string } & Row>(
    `SELECT s.tenant_id AS tenant_of_slug, ${signInColumns} FROM users.tenant_slugs s
     LEFT JOIN users.users u ON u.tenant_id = s.tenant_id AND u.${column} = $2 WHERE s.slug = $1`,
    [slug, key],
  );
  if (!row) return undefined;
  const { tenant_of_slug: tenant_id, ...user } = row;
  return { tenant_id, user: user.id == null ? null : (user as SignInRow) };
}

export function findById(on: Queryable, id: string): Promise<SignInRow[]> {
  return on.query(`SELECT ${signInColumns} FROM users.users u WHERE u.id = $1`, [id]);
}

const claimsFields = ["id", "tenant_id", "email", "full_name", "is_verified"] as const;

export interface ClaimsRow extends Pick<UserColumns, (typeof claimsFields)[number]> {
  readonly is_active: boolean;
  readonly roles: string[];
  readonly permissions: string[];
  readonly is_premium: boolean;
  readonly expires_at: Date | null;
  /** The settings of the account's tenant. */
  readonly settings: StoredSettings;
}

/** One statement, so that roles, permissions, tier and status are of one moment. */
export async function readClaims(on: Queryable, id: string): Promise<ClaimsRow | undefined> {
  const [row] = await on.query<ClaimsRow>(
    `SELECT ${columnsOf(Users, "u", claimsFields)}, u.is_active AND t.is_active AS is_active,
       ARRAY(SELECT g.name FROM users.granted_roles(u.id, u.tenant_id) AS g ORDER BY g.name) AS roles,
       users.granted_permissions(u.id, u.tenant_id) AS permissions,
       (s.user_id IS NOT NULL AND (s.expires_at IS NULL OR s.expires_at > clock_timestamp())) AS is_premium, s.expires_at,
       t.settings
     FROM users.users u JOIN users.tenants t ON t.id = u.tenant_id
     LEFT JOIN users.subscriptions s ON s.user_id = u.id WHERE u.id = $1`,
    [id],
  );
  return row;
}

export type Validity = Pick<UserColumns, "id" | "is_active" | "is_verified">;

export function readValidity(on: Queryable, ids: readonly string[]): Promise<Validity[]> {
  return on.query(
    `SELECT id, ${isUsable("u")} AS is_active, is_verified FROM users.users u WHERE id = ANY($1::uuid[])`,
    [ids],
  );
}
