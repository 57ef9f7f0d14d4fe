import * as z from "zod";
import { action, asUserWith, byService } from "../../../lib/actions/contract.ts";
import * as field from "../../../lib/actions/schemas.ts";
import { User } from "./users-shapes.contract.ts";

const RoleName = z.string().regex(/^[a-z][a-z0-9_-]{0,49}$/, {
  error: "must be a role name like support-agent",
});
const Permissions = z.array(z.string().min(1).max(50)).max(50);

export const Role = z
  .strictObject({
    name: z.string(),
    permissions: z.array(z.string()),
    /** The reserved ones, which nobody can change. */
    system: z.boolean(),
    created_at: field.Timestamp,
    updated_at: field.Timestamp,
  })
  .meta({ id: "Role" });

/** What a tenant may set for itself, within what the installation allows. `null` or missing: as the installation has it. */
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

/** The settings as they are in force: the tenant's, held within the bounds of the installation. */
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

/** What administrators may do, of the accounts, roles and tenants. Part of the contract of users. */
export const adminActions = {
  /** Roles need `roles:write` too; nobody changes an account that may do what he may not. 409 `email_taken`, `username_taken`. */
  adminUpdate: action({
    params: z.strictObject({
      id: field.Id,
      full_name: field.FullName.nullable().optional(),
      username: field.Username.nullable().optional(),
      /** In force at once: the old address is told. Unverified, unless `is_verified` is sent along. */
      email: field.Email.optional(),
      is_verified: z.boolean().optional(),
      /** All roles beyond `user`, which everybody has. */
      roles: z.array(RoleName).max(50).optional(),
      /** null ends it. */
      subscription: z
        .strictObject({ plan: field.Text[100].optional(), expires_at: field.Timestamp.nullish() })
        .nullable()
        .optional(),
    }),
    result: User,
    access: asUserWith("users:write"),
    timeout: 9_000,
  }),
  /** For services that keep something else of an account: 404 for one that is not of the tenant, 403 for one that may do what the actor may not. */
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
  /** In force at the next request of everybody who has the role, when it answers. */
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
  /** Of the settings just those that are sent change. Access tokens of before are `token_stale` when it answers. */
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
  /** For the gateway, where a caller names another tenant. */
  findTenant: action({
    params: z.strictObject({ slug: field.TenantSlug }),
    result: z.strictObject({ id: field.Id }).nullable(),
    access: byService("users:tenants"),
    idempotent: true,
  }),
  /** The one place that says which settings hold in a tenant. 422 `unknown_tenant`. */
  tenantSettings: action({
    params: z.union([z.strictObject({ id: field.Id }), z.strictObject({ slug: field.TenantSlug })]),
    result: SettingsInForce,
    access: byService("users:tenants"),
    idempotent: true,
  }),
};
