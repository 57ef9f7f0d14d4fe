import * as z from "zod";
import { action, asUser, asUserWith, byService, byServiceOrOperator, contract } from "../../lib/actions/contract.ts";
import * as field from "../../lib/actions/schemas.ts";
import { exportAction } from "../../lib/contracts/personal-data.contract.ts";
import { invalidateCacheAction } from "../../lib/contracts/revocation.contract.ts";
import { adminActions } from "./contract/users-admin.contract.ts";
import { erasureActions } from "./contract/users-erasure.contract.ts";
import { importActions } from "./contract/users-import.contract.ts";
import {
  Avatar,
  Claims,
  EmailChange,
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

/** Premium, or one who may see the tenant's accounts anyway. */
const asPremium = { callers: ["user"], premiumOr: "users:read" } as const;

/** "RIFF" in base64, which is what WebP begins with. */
const WebP = z.base64().max(400_000).startsWith("UklG");

export const usersContract = contract("users", {
  requiredPermissions: [
    "sessions:manage",
    "sessions:lease",
    "sessions:invalidate_caches",
    "sessions:read",
    "auth:verify",
    "data:erase",
  ],
  actions: {
    ...adminActions,
    /** The commit point of a registration. Refuses an id older than 10 minutes; 409 `email_taken`, `username_taken`. */
    create: action({
      params: z.strictObject({
        id: field.Id,
        /** Slug. 422 `unknown_tenant` where there is none. */
        tenant: field.TenantSlug,
        email: field.Email,
        username: field.Username.nullish(),
        full_name: field.FullName.nullish(),
        push_token: field.PushToken.nullish(),
        ...Visibility.partial().shape,
        /** Roles beyond `user`, for the seeded administrator alone. */
        roles: z.array(z.string()).optional(),
        is_verified: z.boolean().optional(),
      }),
      result: z.strictObject({ user: User }),
      access: byService("users:create"),
    }),
    /** By email or username, as a sign-in or a recovery names an account. `null` where there is none. */
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
    /** Fresh, past every cache. `null` for an unknown or erased account. */
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
    /** Notes a sign-in's time; harmless to lose. */
    recordLogin: action({
      params: z.strictObject({ id: field.Id, at: field.Timestamp }),
      result: field.Empty,
      access: byService("users:sign_in"),
    }),
    /** Commits a verification or an email change; the token's id in the inbox makes it happen once. */
    confirmEmail: action({
      params: z.strictObject({ user_id: field.Id, email_key: z.string(), token_id: field.Id, event_id: field.Id }),
      result: z.strictObject({ user: User, already: z.boolean() }),
      access: byService("users:confirm_email"),
    }),
    get: action({
      params: z.strictObject({ id: field.Id }),
      result: User.nullable(),
      access: byServiceOrOperator("users:read"),
      idempotent: true,
    }),
    /** For other services, up to 1,000 at once: who of these is there, active and verified? */
    validate: action({
      params: z.strictObject({ ids: z.array(field.Id).max(1_000) }),
      result: z.array(z.strictObject({ id: field.Id, is_active: z.boolean(), is_verified: z.boolean() })),
      access: byServiceOrOperator("users:validate"),
      idempotent: true,
    }),
    me: action({ params: field.Empty, result: User, access: asUser, idempotent: true }),
    updateMe: action({ params: UserChange, result: User, access: asUser }),
    profile: action({ params: field.Empty, result: Profile, access: asUser, idempotent: true }),
    /** Account and profile as one, for clients that know them so. */
    wholeProfile: action({ params: field.Empty, result: WholeProfile, access: asUser, idempotent: true }),
    updateWholeProfile: action({ params: WholeProfileChange, result: WholeProfile, access: asUser }),
    updateProfile: action({ params: ProfileChange, result: Profile, access: asUser }),
    /** Defaults for an unknown account. */
    visibility: action({
      params: z.strictObject({ user_id: field.Id }),
      result: Visibility,
      access: byService("users:visibility"),
      idempotent: true,
    }),
    /** `null` resets to the default. Applied once per `operation_id`; a repeat resolves to the present visibility. */
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
    /** In force at once: tokens of before are `token_stale` when it answers, else 503 `revocation_pending`. */
    upgrade: action({
      params: z.strictObject({ plan: field.Text[100].optional(), expires_at: field.Timestamp.nullish() }),
      result: Subscription,
      access: asUser,
      timeout: 9_000,
    }),
    downgrade: action({ params: field.Empty, result: Subscription, access: asUser, timeout: 9_000 }),
    /** States `subscription.changed` of those that have run out. */
    expireSubscriptions: action({
      params: field.Empty,
      result: z.strictObject({ expired: z.int() }),
      access: byService("maintenance:run"),
      timeout: 60_000,
    }),
    stats: action({ params: field.Empty, result: Stats, access: asUser, idempotent: true }),
    /** Those who let themselves be found: never a private account. Counts up to 2,000 matches. */
    search: action({ params: PersonQuery, result: PersonPage, access: asPremium, idempotent: true }),
    /** 404 for who is private; `connections` is private to all but holders of `connections:assert`. */
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
    /** For services that keep something else about people. */
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
    /** Two pictures that the gateway has made of an upload: WebP in base64, small enough for the bus. */
    setAvatar: action({
      params: z.strictObject({ image: WebP, thumbnail: WebP }),
      result: Avatar,
      access: asUser,
    }),
    deleteAvatar: action({ params: field.Empty, result: field.Empty, access: asUser }),
    /** Null where nobody uses that picture any more. */
    avatar: action({
      params: z.strictObject({ key: z.string().regex(/^[0-9a-f]{32}$/), size: z.enum(["full", "thumb"]) }),
      result: z.strictObject({ webp: z.string() }).nullable(),
      access: byService("users:avatars"),
      idempotent: true,
    }),
    /** Null for an unknown change, or one of an account that is gone. */
    emailChange: action({
      params: z.strictObject({ token_id: field.Id }),
      result: EmailChange.nullable(),
      access: byService("users:email_change"),
      idempotent: true,
    }),
    recordEmailChangeMail: action({
      params: z.strictObject({
        token_id: field.Id,
        kind: z.enum(["change_email", "email_change_requested", "email_changed"]),
      }),
      result: field.Empty,
      access: byService("users:email_change"),
    }),
    /** For whoever pushes. Null for an unknown account, or one that waits for its erasure. */
    pushRecipient: action({
      params: z.strictObject({ id: field.Id }),
      result: z
        .strictObject({ name: z.string().nullable(), push_token: z.string().nullable(), is_active: z.boolean() })
        .nullable(),
      access: byService("users:push_token"),
      idempotent: true,
    }),
    /** Takes a token off the account, where it is still that one. */
    removePushToken: action({
      params: z.strictObject({ id: field.Id, push_token: field.PushToken }),
      result: field.Empty,
      access: byService("users:push_token"),
    }),
    list: action({
      params: UserQuery,
      result: UserPage,
      access: asUserWith("users:read"),
      idempotent: true,
    }),
    adminGet: action({
      params: z.strictObject({ id: field.Id }),
      result: User,
      access: asUserWith("users:read"),
      idempotent: true,
    }),
    /** Deactivation ends the sessions before it answers, else 503 `revocation_pending`. */
    setStatus: action({
      params: z.strictObject({ id: field.Id, is_active: z.boolean(), reason: field.Text[2000].optional() }),
      result: User,
      access: asUserWith("users:write"),
    }),
    /** sessions tells each node whose caches may keep what is about to be written. */
    invalidateCache: action(invalidateCacheAction),
    /** Of this service's schema, which stands for the database as a whole: `mixins/database-status.ts` answers it. */
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
      result: z.strictObject({ total_users: z.int(), active_users: z.int() }),
      access: { callers: ["service", "operator", "anonymous"] },
      idempotent: true,
    }),
    /** Puts what is sealed in profiles under the active key of the ring. */
    rotateKeys: action({
      params: field.Empty,
      result: z.strictObject({ profiles_resealed: z.int() }),
      access: byService("maintenance:run"),
      timeout: 60_000,
    }),
    ...erasureActions,
    ...importActions,
    export: action(exportAction),
    /** Old outbox, inbox and idempotency rows; changes of address that nobody confirmed. */
    sweep: action({
      params: field.Empty,
      result: z.record(z.string(), z.int()),
      access: byService("maintenance:run"),
      timeout: 60_000,
    }),
  },
});
