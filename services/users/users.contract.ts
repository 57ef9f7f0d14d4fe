import * as z from "zod";
import {
  action,
  asAdministrator,
  asUser,
  byService,
  byServiceOrOperator,
  contract,
} from "../../lib/actions/contract.ts";
import * as field from "../../lib/actions/schemas.ts";
import { keyUsageAction } from "../../lib/contracts/key-usage.contract.ts";
import { outboxActions } from "../../lib/contracts/outbox.contract.ts";
import { exportAction } from "../../lib/contracts/personal-data.contract.ts";
import { invalidateCacheAction } from "../../lib/contracts/revocation.contract.ts";
import { adminActions } from "./contract/users-admin.contract.ts";
import { emailActions } from "./contract/users-email.contract.ts";
import { erasureActions } from "./contract/users-erasure.contract.ts";
import { importActions } from "./contract/users-import.contract.ts";
import {
  Avatar,
  Claims,
  Person,
  PersonPage,
  PersonProfile,
  PersonQuery,
  Profile,
  ProfileChange,
  SignInView,
  Stats,
  Subscription,
  User,
  UserChange,
  UserPage,
  UserQuery,
  Visibility,
  WholeProfile,
  WholeProfileChange,
} from "./contract/users-shapes.contract.ts";

/** For premium users and for those who may read the tenant's accounts. */
const asPremium = { callers: ["user"], premiumOr: "users:read" } as const;

/** WebP files begin with "RIFF". */
const WebP = z.base64().max(400_000).startsWith("UklG");

export const usersContract = contract("users", {
  requiredPermissions: [
    "sessions:manage",
    "sessions:lease",
    "sessions:invalidate_caches",
    "sessions:read",
    "auth:verify",
    "auth:revoke",
    "data:erase",
  ],
  actions: {
    ...adminActions,
    /**
     * The commit point of a registration. The id must be less than 10 minutes old. 409 `email_taken`, `username_taken`.
     */
    create: action({
      params: z.strictObject({
        id: field.Id,
        /** The tenant's slug. 422 `unknown_tenant`. */
        tenant: field.TenantSlug,
        email: field.Email,
        username: field.Username.nullish(),
        full_name: field.FullName.nullish(),
        push_token: field.PushToken.nullish(),
        ...Visibility.partial().shape,
        /** Roles in addition to `user`; only the seeded administrator gets any. */
        roles: z.array(z.string()).optional(),
        is_verified: z.boolean().optional(),
        /** `operator:<name>` if an operator creates the account. */
        actor: z.string().max(100).optional(),
      }),
      result: z.strictObject({ user: User }),
      access: byService("users:create"),
    }),
    /** Finds the account that a sign-in or a recovery names. `null` if there is none. */
    findForSignIn: action({
      params: z.strictObject({
        tenant: field.TenantSlug,
        email: z.string().max(1_024).optional(),
        username: z.string().max(1_024).optional(),
      }),
      result: z.strictObject({ tenant_id: field.Id, user: SignInView.nullable() }),
      access: byService("users:sign_in"),
      idempotent: true,
    }),
    /** Never read from a cache, so that a deactivation applies at once. `null` for an unknown or erased account. */
    signInView: action({
      params: z.strictObject({ id: field.Id }),
      result: SignInView.nullable(),
      access: byService("users:sign_in"),
      idempotent: true,
    }),
    claims: action({
      params: z.strictObject({ id: field.Id }),
      result: Claims.nullable(),
      access: byService("users:sign_in"),
      idempotent: true,
    }),
    /** Whether an active account of the tenant has the role `admin`. */
    hasAdministrator: action({
      params: z.strictObject({ tenant_id: field.Id }),
      result: z.strictObject({ exists: z.boolean() }),
      access: byService("users:sign_in"),
      idempotent: true,
    }),
    /** 403 `account_disabled`, `email_not_verified`. When it answers, the roles apply to the account's next request. */
    appointAdministrator: action({
      params: z.strictObject({ id: field.Id }),
      result: field.Empty,
      access: byService("users:appoint"),
      timeout: 9_000,
    }),
    /** Counts a sign-in and records its time. It is harmless if a call is lost. */
    recordLogin: action({
      params: z.strictObject({ id: field.Id, at: field.Timestamp }),
      result: field.Empty,
      access: byService("users:sign_in"),
    }),
    /** 403 `account_disabled` unless the owner has deleted the account, 410 `account_erased`. Safe to repeat. */
    restoreOwn: action({
      params: z.strictObject({ id: field.Id }),
      result: field.Empty,
      access: byService("users:sign_in"),
    }),
    get: action({
      params: z.strictObject({ id: field.Id }),
      result: User.nullable(),
      access: byServiceOrOperator("users:read"),
      idempotent: true,
    }),
    /** Tells other services which of these accounts exist, are active and are verified. */
    validate: action({
      params: z.strictObject({ ids: z.array(field.Id).max(1_000) }),
      result: z.array(z.strictObject({ id: field.Id, is_active: z.boolean(), is_verified: z.boolean() })),
      access: byServiceOrOperator("users:validate"),
      idempotent: true,
    }),
    me: action({ params: field.Empty, result: User, access: asUser, idempotent: true }),
    updateMe: action({ params: UserChange, result: User, access: asUser }),
    profile: action({ params: field.Empty, result: Profile, access: asUser, idempotent: true }),
    /** Account and profile as one resource, for clients of earlier systems. */
    wholeProfile: action({ params: field.Empty, result: WholeProfile, access: asUser, idempotent: true }),
    updateWholeProfile: action({ params: WholeProfileChange, result: WholeProfile, access: asUser }),
    updateProfile: action({ params: ProfileChange, result: Profile, access: asUser }),
    /** Who may see the account. Resolves to the default if the account is unknown. */
    visibility: action({
      params: z.strictObject({ user_id: field.Id }),
      result: Visibility,
      access: byService("users:visibility"),
      idempotent: true,
    }),
    /** `null` resets to the default. Applied once per `operation_id`; a repeat resolves to the current visibility. */
    setVisibility: action({
      params: z.strictObject({
        user_id: field.Id,
        operation_id: field.Id,
        privacy_profile: Visibility.shape.privacy_profile.nullish(),
        privacy_location: Visibility.shape.privacy_location.nullish(),
      }),
      result: z.strictObject({ ...Visibility.shape, updated_fields: z.array(z.string()) }),
      access: byService("users:visibility"),
    }),
    /**
     * Takes effect at once: when it answers, earlier access tokens are `token_stale`. If that can't be confirmed, it
     * answers 503 `revocation_pending`; the subscription is changed all the same.
     */
    upgrade: action({
      params: z.strictObject({ plan: field.Text[100].optional(), expires_at: field.Timestamp.nullish() }),
      result: Subscription,
      access: asUser,
      timeout: 9_000,
    }),
    downgrade: action({ params: field.Empty, result: Subscription, access: asUser, timeout: 9_000 }),
    /** Ends expired subscriptions and records `subscription.changed` for each. */
    expireSubscriptions: action({
      params: field.Empty,
      result: z.strictObject({ expired: z.int() }),
      access: byService("maintenance:run"),
      timeout: 60_000,
    }),
    stats: action({ params: field.Empty, result: Stats, access: asUser, idempotent: true }),
    /** People whose privacy settings allow it. `total` counts up to 1,000 matches. */
    search: action({ params: PersonQuery, result: PersonPage, access: asPremium, idempotent: true }),
    /** 404 if the person is private. `connections` means private except to holders of `connections:assert`. */
    person: action({
      params: z.strictObject({ id: field.Id }),
      result: Person,
      access: asPremium,
      idempotent: true,
    }),
    personProfile: action({
      params: z.strictObject({ id: field.Id }),
      result: PersonProfile,
      access: asPremium,
      idempotent: true,
    }),
    /** For services that store other data about people. */
    isVisible: action({
      params: z.strictObject({
        id: field.Id,
        tenant_id: field.Id,
        viewer_id: field.Id,
        as_connection: z.boolean(),
      }),
      result: z.strictObject({ visible: z.boolean() }),
      access: byService("users:visibility"),
      idempotent: true,
    }),
    /** Takes an upload in two sizes made by the gateway: WebP in base64, small enough for a message. */
    setAvatar: action({
      params: z.strictObject({ image: WebP, thumbnail: WebP }),
      result: Avatar,
      access: asUser,
    }),
    /**
     * Gives an account that has no avatar the picture of the provider that it was created through. Has an effect only once per
     * `id`, so that a repeated call does not bring back a picture that the owner has removed. `adopted` is false if nothing was changed.
     */
    adoptAvatar: action({
      params: z.strictObject({ id: field.Id, user_id: field.Id, image: WebP, thumbnail: WebP }),
      result: z.strictObject({ adopted: z.boolean() }),
      access: byService("users:adopt_avatar"),
    }),
    deleteAvatar: action({ params: field.Empty, result: field.Empty, access: asUser }),
    /** Null if no account uses that picture any more. */
    avatar: action({
      params: z.strictObject({ key: z.string().regex(/^[0-9a-f]{32}$/), size: z.enum(["full", "thumb"]) }),
      result: z.strictObject({ webp: z.string() }).nullable(),
      access: byService("users:avatars"),
      idempotent: true,
    }),
    /** Null for an unknown or deleted account. */
    pushRecipient: action({
      params: z.strictObject({ id: field.Id }),
      result: z
        .strictObject({ name: z.string().nullable(), push_token: z.string().nullable(), is_active: z.boolean() })
        .nullable(),
      access: byService("users:push_token"),
      idempotent: true,
    }),
    /** Removes the token unless the account has another one by now. */
    removePushToken: action({
      params: z.strictObject({ id: field.Id, push_token: field.PushToken }),
      result: field.Empty,
      access: byService("users:push_token"),
    }),
    list: action({
      params: UserQuery,
      result: UserPage,
      access: asAdministrator("users:read"),
      idempotent: true,
    }),
    adminGet: action({
      params: z.strictObject({ id: field.Id }),
      result: User,
      access: asAdministrator("users:read"),
      idempotent: true,
    }),
    /**
     * A deactivation answers after all sessions are revoked. If that can't be confirmed, it answers 503
     * `revocation_pending`; the account is deactivated all the same.
     */
    setStatus: action({
      params: z.strictObject({ id: field.Id, is_active: z.boolean(), reason: field.Text[2000].optional() }),
      result: User,
      access: asAdministrator("users:write"),
    }),
    invalidateCache: action(invalidateCacheAction),
    /** Status of the database, measured on this service's schema. */
    databaseStatus: action({
      params: field.Empty,
      result: z.strictObject({
        up: z.boolean(),
        latency_ms: z.number().nullable(),
        pool: z.strictObject({ total: z.int(), idle: z.int(), waiting: z.int() }),
        migrations: z.array(z.string()),
      }),
      access: byServiceOrOperator("users:status"),
      idempotent: true,
    }),
    counts: action({
      params: field.Empty,
      result: z.strictObject({ total_users: z.int(), active_users: z.int(), counted_at: field.Timestamp }),
      access: { callers: ["service", "operator", "anonymous"] },
      idempotent: true,
    }),
    /** Reseals profiles under the active key of the key ring. */
    rotateKeys: action({
      params: field.Empty,
      result: z.strictObject({ profiles_resealed: z.int() }),
      access: byService("maintenance:run"),
      timeout: 60_000,
    }),
    ...emailActions,
    ...erasureActions,
    ...importActions,
    export: action(exportAction),
    ...outboxActions,
    keyUsage: action(keyUsageAction),
    /** Deletes old outbox, inbox and idempotency rows, unconfirmed email changes and unused avatars. */
    sweep: action({
      params: field.Empty,
      result: z.record(z.string(), z.int()),
      access: byService("maintenance:run"),
      timeout: 60_000,
    }),
  },
});
