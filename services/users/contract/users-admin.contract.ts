import * as z from "zod";
import { action, asUserWith, byService } from "../../../lib/actions/contract.ts";
import * as field from "../../../lib/actions/schemas.ts";
import { RoleName, User } from "./users-shapes.contract.ts";

const Permissions = z.array(z.string().min(1).max(50)).max(50);

export const Role = z
  .strictObject({
    name: z.string(),
    permissions: z.array(z.string()),
    /** Reserved roles, which can't be changed. */
    system: z.boolean(),
    created_at: field.Timestamp,
    updated_at: field.Timestamp,
  })
  .meta({ id: "Role" });

/** What a tenant may set within the bounds of the installation. `null` or missing: the installation's value. */
export const TenantSettings = z
  .strictObject({
    password_policy: z.enum(["classic", "length", "nist"]).nullable(),
    access_token_minutes: z.int().min(1).max(1_440).nullable(),
    refresh_token_days: z.int().min(1).max(365).nullable(),
    session_max_days: z.int().min(1).max(3_650).nullable(),
    max_users: z.int().min(1).max(100_000_000).nullable(),
  })
  .partial()
  .meta({ id: "TenantSettings" });

/** The tenant's settings, limited by the bounds of the installation. */
const SettingsInForce = z.strictObject({
  password_policy: z.enum(["classic", "length", "nist"]),
  access_token_seconds: z.int(),
  refresh_idle_seconds: z.int(),
  session_max_seconds: z.int(),
  max_users: z.int().nullable(),
});

export const Tenant = z
  .strictObject({
    id: field.Id,
    slug: z.string(),
    name: z.string(),
    settings: TenantSettings,
    created_at: field.Timestamp,
    updated_at: field.Timestamp,
  })
  .meta({ id: "Tenant" });

/** Administration of accounts, roles and tenants. Part of the users contract. */
export const adminActions = {
  /**
   * Roles also require `roles:write`. 403 for an account with permissions that the caller lacks. 409 `email_taken`,
   * `username_taken`.
   */
  adminUpdate: action({
    params: z.strictObject({
      id: field.Id,
      full_name: field.FullName.nullable().optional(),
      username: field.Username.nullable().optional(),
      /** Replaces the address at once and notifies the old one. Unverified unless `is_verified` is sent along. */
      email: field.Email.optional(),
      is_verified: z.boolean().optional(),
      /** All roles in addition to `user`, which every account has. */
      roles: z.array(RoleName).max(50).optional(),
      /** `null` ends the subscription. */
      subscription: z
        .strictObject({ plan: field.Text[100].optional(), expires_at: field.Timestamp.nullish() })
        .nullable()
        .optional(),
    }),
    result: User,
    access: asUserWith("users:write"),
    timeout: 9_000,
  }),
  /**
   * For services that store other data of accounts. 404 for an account of another tenant, 403 for one with permissions that
   * the actor lacks.
   */
  canManage: action({
    params: z.strictObject({ id: field.Id, tenant_id: field.Id, actor_id: field.Id }),
    result: field.Empty,
    access: byService("users:read"),
    idempotent: true,
  }),
  roles: action({ params: field.Empty, result: z.array(Role), access: asUserWith("roles:read"), idempotent: true }),
  /** 403 for permissions that the caller lacks, 409 `role_exists`. */
  createRole: action({
    params: z.strictObject({ name: RoleName, permissions: Permissions.default([]) }),
    result: Role,
    access: asUserWith("roles:write"),
  }),
  /** When it answers, the change applies to the next request of every member. */
  updateRole: action({
    params: z.strictObject({ name: RoleName, permissions: Permissions }),
    result: Role,
    access: asUserWith("roles:write"),
    timeout: 9_000,
  }),
  deleteRole: action({
    params: z.strictObject({ name: RoleName }),
    result: field.Empty,
    access: asUserWith("roles:write"),
    timeout: 9_000,
  }),
  tenants: action({
    params: z.object({
      page: field.PageNumber,
      limit: field.Limit,
    }),
    result: field.pageOf(Tenant),
    access: asUserWith("platform:tenants"),
    idempotent: true,
  }),
  tenant: action({
    params: z.strictObject({ id: field.Id }),
    result: Tenant,
    access: asUserWith("platform:tenants"),
    idempotent: true,
  }),
  /** The first administrator is invited by mail. 409 `slug_taken`. */
  createTenant: action({
    params: z.strictObject({ slug: field.TenantSlug, name: field.Text[255], admin_email: field.Email }),
    result: Tenant,
    access: asUserWith("platform:tenants"),
  }),
  /**
   * Changes only the settings that are sent. If `access_token_minutes` changes, earlier access tokens are `token_stale` when
   * it answers.
   */
  updateTenant: action({
    params: z.strictObject({
      id: field.Id,
      name: field.Text[255].optional(),
      settings: TenantSettings.optional(),
    }),
    result: Tenant,
    access: asUserWith("platform:tenants"),
    timeout: 9_000,
  }),
  /** For the gateway, when a caller names another tenant. */
  findTenant: action({
    params: z.strictObject({ slug: field.TenantSlug }),
    result: z.strictObject({ id: field.Id }).nullable(),
    access: byService("users:tenants"),
    idempotent: true,
  }),
  /** The settings that apply in a tenant. 422 `unknown_tenant`. */
  tenantSettings: action({
    params: z.union([z.strictObject({ id: field.Id }), z.strictObject({ slug: field.TenantSlug })]),
    result: SettingsInForce,
    access: byService("users:tenants"),
    idempotent: true,
  }),
};
