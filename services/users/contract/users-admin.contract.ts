import * as z from "zod";
import { action, asAdministrator, asUserWith, byService } from "../../../lib/actions/contract.ts";
import * as field from "../../../lib/actions/schemas.ts";
import { Deletion } from "./users-erasure.contract.ts";
import { accountTexts, nullable, RoleName, User } from "./users-shapes.contract.ts";

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
const Domain = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?([.][a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/, {
    error: "must be a domain in lower case, like example.com",
  });

export const TenantSettings = z
  .strictObject({
    password_policy: z.enum(["classic", "length", "nist"]).nullable(),
    access_token_minutes: z.int().min(1).max(1_440).nullable(),
    refresh_token_days: z.int().min(1).max(365).nullable(),
    session_max_days: z.int().min(1).max(3_650).nullable(),
    max_users: z.int().min(1).max(100_000_000).nullable(),
    /** `invited`: only by invitation. `domains`: only with a verified email address of `registration_domains`. */
    registration: z.enum(["open", "invited", "domains"]).nullable(),
    registration_domains: z.array(Domain).max(100).nullable(),
    /** `permission`: only callers with `users:write`, who also change subscriptions of others. */
    upgrade: z.enum(["self", "permission"]).nullable(),
    /** Name and colour on the tenant's pages and in its mails. */
    brand_name: field.Text[100].nullable(),
    brand_color: z
      .string()
      .regex(/^#[0-9a-fA-F]{6}$/, { error: "must be a colour like #0d7a6b" })
      .nullable(),
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
  registration: z.enum(["open", "invited", "domains"]),
  registration_domains: z.array(z.string()),
  upgrade: z.enum(["self", "permission"]),
});

/** A square PNG of at most 32 kB, in base64; the gateway makes it 256 or 128 pixels wide. */
const LogoPng = z.base64().max(43_692);

export const Tenant = z
  .strictObject({
    id: field.Id,
    slug: z.string(),
    name: z.string(),
    settings: TenantSettings,
    /** Hash of the tenant's logo, which is at `/brand/<slug>-<logo>.png`. */
    logo: z.string().nullable(),
    is_active: z.boolean().meta({ description: "`false`: nobody can sign in to the accounts of the tenant." }),
    delete_at: field.Timestamp.nullable().meta({
      description:
        "When the erasure of the deleted tenant begins. Until then `is_active: true` takes the deletion back.",
    }),
    created_at: field.Timestamp,
    updated_at: field.Timestamp,
  })
  .meta({ id: "Tenant" });

/** The fields of a user's account that an administrator sets. `null` clears a field. */
const AccountFields = z.strictObject({ username: field.Username.nullable(), ...nullable(accountTexts) }).partial();

/** Administration of accounts, roles and tenants. Part of the users contract. */
export const adminActions = {
  /**
   * Roles also require `roles:write`. 403 for an account with permissions that the caller lacks. 409 `email_taken`,
   * `username_taken`.
   */
  adminUpdate: action({
    params: z.strictObject({
      id: field.Id,
      ...AccountFields.shape,
      /** Replaces the address at once and notifies the old one. Unverified unless `is_verified` is sent along. */
      email: field.Email.optional(),
      is_verified: z.boolean().optional().meta({
        description:
          "`true` for an unverified account removes its password, linked providers and device, and ends its sessions, because the person who registered it has not proven the address. The owner is notified and sets a password with a reset.",
      }),
      is_active: z.boolean().optional().meta({
        description: "As `PUT /admin/users/{id}/status`, which also takes a reason.",
      }),
      /** All roles in addition to `user`, which every account has. */
      roles: z.array(RoleName).max(50).optional(),
      /** `null` ends the subscription. */
      subscription: z
        .strictObject({ plan: field.Text[100].optional(), expires_at: field.Timestamp.nullish() })
        .nullable()
        .optional(),
    }),
    result: User,
    access: asAdministrator("users:write"),
    timeout: 9_000,
  }),
  /**
   * Creates an account in the caller's tenant. It has no password: its owner sets one with the link of the invitation, or
   * with a reset. Roles also require `roles:write`. 403 for roles with permissions that the caller lacks, 409 `email_taken`,
   * `username_taken`, `tenant_limit_reached`.
   */
  adminCreate: action({
    params: z.strictObject({
      email: field.Email,
      ...AccountFields.shape,
      is_verified: z.boolean().default(false),
      /** In addition to `user`, which every account has. */
      roles: z.array(RoleName).max(50).default([]),
      send_invitation: z.boolean().default(true).meta({
        description: "Mails a link that sets the first password. `false` sends no mail.",
      }),
    }),
    result: User,
    access: asAdministrator("users:write"),
  }),
  /**
   * For services that store other data of accounts. 404 for an account of another tenant, 403 for one with permissions that
   * the actor lacks. Without an actor, an operator acts, who lacks none.
   */
  canManage: action({
    params: z.strictObject({ id: field.Id, tenant_id: field.Id, actor_id: field.Id.nullable() }),
    result: field.Empty,
    access: byService("users:read"),
    idempotent: true,
  }),
  roles: action({
    params: field.Empty,
    result: z.array(Role),
    access: asAdministrator("roles:read"),
    idempotent: true,
  }),
  /** 403 for permissions that the caller lacks, 409 `role_exists`. */
  createRole: action({
    params: z.strictObject({ name: RoleName, permissions: Permissions.default([]) }),
    result: Role,
    access: asUserWith("roles:write"),
  }),
  /**
   * Changes only the fields that are sent. Once this has answered, the change applies to every request of every member.
   * 409 `role_exists`.
   */
  updateRole: action({
    params: z.strictObject({
      name: RoleName,
      new_name: RoleName.optional().meta({ description: "Renames the role; its members keep it." }),
      permissions: Permissions.optional(),
    }),
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
    access: asAdministrator("platform:tenants"),
    idempotent: true,
  }),
  tenant: action({
    params: z.strictObject({ id: field.Id }),
    result: Tenant,
    access: asAdministrator("platform:tenants"),
    idempotent: true,
  }),
  /**
   * Invites someone to the caller's tenant by a mail whose link sets the first password. Roles also require `roles:write`.
   * 403 for roles with permissions that the caller lacks, 409 `email_taken`, `tenant_limit_reached`.
   */
  invite: action({
    params: z.strictObject({
      email: field.Email,
      full_name: field.FullName.nullish(),
      /** In addition to `user`, which every account has. */
      roles: z.array(RoleName).max(50).default([]),
    }),
    result: User,
    access: asUserWith("users:write"),
  }),
  /**
   * The first administrator is invited by mail. Registration is by invitation, and upgrades need a permission, until the
   * settings say otherwise. 409 `slug_taken`.
   */
  createTenant: action({
    params: z.strictObject({ slug: field.TenantSlug, name: field.Text[255], admin_email: field.Email }),
    result: Tenant,
    access: asUserWith("platform:tenants"),
  }),
  /**
   * Changes only the fields that are sent. If the tenant is disabled or `access_token_minutes` changes, earlier access tokens are
   * `token_stale` once this has answered. A former slug goes on leading to the tenant. The default tenant has a fixed slug and
   * can't be disabled: 403. 409 `slug_taken`, 410 `tenant_erased` once the erasure has begun.
   */
  updateTenant: action({
    params: z.strictObject({
      id: field.Id,
      name: field.Text[255].optional(),
      slug: field.TenantSlug.optional(),
      is_active: z.boolean().optional(),
      settings: TenantSettings.optional(),
      logo: z.null().optional().meta({ description: "`null` removes the logo." }),
    }),
    result: Tenant,
    access: asUserWith("platform:tenants"),
    timeout: 9_000,
  }),
  /** Takes an upload as the gateway has re-encoded it. 410 `tenant_erased`. */
  setTenantLogo: action({
    params: z.strictObject({ id: field.Id, logo: LogoPng }),
    result: Tenant,
    access: asUserWith("platform:tenants"),
    timeout: 9_000,
  }),
  /**
   * Disables the tenant at once. After the grace period all its accounts are erased, then its roles and settings are
   * deleted, and its slugs are free. If the grace period never ends, the tenant stays disabled. 403 for the default tenant.
   */
  deleteTenant: action({
    params: z.strictObject({ id: field.Id, erase: z.boolean().optional() }),
    result: Deletion,
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
  /** The tenant's brand; null values follow the installation. Null if there is no such tenant. */
  tenantBrand: action({
    params: z.union([z.strictObject({ id: field.Id }), z.strictObject({ slug: field.TenantSlug })]),
    result: z
      .strictObject({
        /** The slug in links; null for the default tenant, which links do not name. */
        slug: z.string().nullable(),
        name: z.string().nullable(),
        color: z.string().nullable(),
        /** The hash as in `Tenant`, and the PNG in base64. */
        logo: z.strictObject({ hash: z.string(), png: z.string() }).nullable(),
      })
      .nullable(),
    access: byService("users:brand"),
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
