import * as z from "zod";
import { action, asAdministrator, asAnyone, asUser, byService, contract } from "../../lib/actions/contract.ts";
import * as field from "../../lib/actions/schemas.ts";
import { keyUsageAction } from "../../lib/contracts/key-usage.contract.ts";
import { outboxActions } from "../../lib/contracts/outbox.contract.ts";
import { eraseAction, exportAction } from "../../lib/contracts/personal-data.contract.ts";
import { RevocationEntry } from "../../lib/contracts/revocation.contract.ts";

export const Session = z
  .strictObject({
    id: field.Id,
    device: z.strictObject({
      name: z.string().nullable(),
      browser: z.string().nullable(),
      os: z.string().nullable(),
      type: z.enum(["desktop", "mobile", "tablet", "bot", "unknown"]),
    }),
    ip: z.string().nullable(),
    created_at: field.Timestamp,
    last_used_at: field.Timestamp,
    expires_at: field.Timestamp,
    is_current: z.boolean(),
  })
  .meta({ id: "Session" });

/** A refresh token, and what the auth service needs to sign the access token beside it. */
const Grant = z.strictObject({
  session_id: field.Id,
  user_id: field.Id,
  tenant_id: field.Id,
  refresh_token: z.string(),
  /** Seconds until the session expires unless it is refreshed. */
  refresh_expires_in: z.int(),
  /** Token versions of the account and the tenant. Roles, tier and status must be read after them. */
  ver: z.int(),
  tver: z.int(),
  auth_time: z.int(),
  amr: z.array(z.string()),
});

export const sessionsContract = contract("sessions", {
  requiredPermissions: ["gateway:revoke", "caches:invalidate", "users:sign_in", "users:read", "users:tenants"],
  actions: {
    /** The account's epoch, which a sign-in reads before it reads anything that decides the outcome. 0 for an unknown account. */
    epoch: action({
      params: z.strictObject({ user_id: field.Id }),
      result: z.strictObject({ epoch: z.int() }),
      access: byService("sessions:read"),
      idempotent: true,
    }),
    /** Creates a session if the account's epoch is still the given one, otherwise 401 `session_ended`. */
    create: action({
      params: z.strictObject({
        id: field.Id,
        user_id: field.Id,
        tenant_id: field.Id,
        epoch: z.int(),
        amr: z.array(z.string()).min(1),
        /** Unix time in seconds; now, if it is omitted. A provider may have authenticated the user long before the sign-in. */
        auth_time: z.int().min(0).optional(),
        device_name: z.string().max(100).nullish(),
        ip: z.string().max(64).nullish(),
        user_agent: z.string().max(1_024).nullish(),
      }),
      result: Grant,
      access: byService("sessions:create"),
    }),
    /** 401 `refresh_token_invalid`, `token_superseded`, `token_reused`, `session_ended`. Safe to repeat within the grace period. */
    refresh: action({
      params: z.strictObject({ refresh_token: field.RefreshTokenText, ip: z.string().max(64).nullish() }),
      result: Grant,
      access: byService("sessions:refresh"),
    }),
    /** The owner of a refresh token that could be used now; null for any other token. Spends nothing. */
    inspect: action({
      params: z.strictObject({ refresh_token: field.RefreshTokenText }),
      result: z
        .strictObject({ session_id: field.Id, user_id: field.Id, tenant_id: field.Id, iat: z.int(), exp: z.int() })
        .nullable(),
      access: byService("sessions:inspect"),
      idempotent: true,
    }),
    /** Ends the caller's session, or the session of the refresh token. Responds when no node accepts it any more. */
    logout: action({
      params: z.strictObject({ refresh_token: field.RefreshTokenText.optional() }),
      result: field.Empty,
      access: { callers: [...asAnyone.callers, "service"] },
      timeout: 8_000,
    }),
    /** Ends one session of a user, if it exists. */
    revoke: action({
      params: z.strictObject({ id: field.Id, user_id: field.Id, reason: z.enum(["code_replayed"]) }),
      result: field.Empty,
      access: byService("sessions:manage"),
      timeout: 8_000,
    }),
    logoutAll: action({
      params: field.Empty,
      result: z.strictObject({ revoked: z.int() }),
      access: asUser,
      timeout: 8_000,
    }),
    listOwn: action({ params: field.Empty, result: z.array(Session), access: asUser, idempotent: true }),
    /** 404 for a session that is not the caller's. */
    revokeOwn: action({
      params: z.strictObject({ id: field.Id }),
      result: field.Empty,
      access: asUser,
      timeout: 8_000,
    }),
    /** A user's session with `is_current` false; null if it has ended. */
    get: action({
      params: z.strictObject({ id: field.Id, user_id: field.Id }),
      result: Session.nullable(),
      access: byService("sessions:read"),
      idempotent: true,
    }),
    /** For administrators: the sessions of an account of their tenant, 404 for any other account. */
    listForUser: action({
      params: z.strictObject({ user_id: field.Id }),
      result: z.array(Session),
      access: asAdministrator("sessions:read"),
      idempotent: true,
    }),
    /** For administrators: `logoutAll` of another account. */
    revokeForUser: action({
      params: z.strictObject({ user_id: field.Id }),
      result: z.strictObject({ revoked: z.int() }),
      access: asAdministrator("sessions:write"),
      timeout: 8_000,
    }),
    /** Live sessions of the whole installation. */
    stats: action({
      params: field.Empty,
      result: z.strictObject({ active: z.int(), counted_at: field.Timestamp }),
      access: byService("sessions:stats"),
      idempotent: true,
    }),
    /** Live sessions of a user. */
    count: action({
      params: z.strictObject({ user_id: field.Id }),
      result: z.strictObject({ active: z.int() }),
      access: byService("sessions:read"),
      idempotent: true,
    }),
    /**
     * Increments the account's epoch, revokes all sessions but `except`, and responds when no node accepts them. Idempotent per
     * event id: this call and the event's consumer apply it once. 503 `revocation_pending` if that cannot be confirmed in time.
     */
    revokeAll: action({
      params: z.strictObject({ user_id: field.Id, event_id: field.Id, except: field.Id.optional() }),
      result: z.strictObject({ revoked: z.int() }),
      access: byService("sessions:manage"),
      timeout: 8_000,
    }),
    /** Invalidates access tokens after a change of an account's roles, tier or status, or of a tenant. Idempotent per event id. */
    bumpTokenVersion: action({
      params: z.strictObject({ kind: z.enum(["user", "tenant"]), id: field.Id, event_id: field.Id }),
      result: z.strictObject({ version: z.int() }),
      access: byService("sessions:manage"),
      timeout: 8_000,
    }),
    /** Keys are `<service>/<id>/<write>`. When this responds, no cache of that service answers for the id until the write ends. */
    invalidateCache: action({
      params: z.strictObject({ keys: z.array(z.string().max(200)).min(1).max(100) }),
      result: field.Empty,
      access: byService("sessions:invalidate_caches"),
      idempotent: true,
      timeout: 8_000,
    }),
    /** Called once a second by every process that checks access tokens or caches rows. The lease lasts 3 s from the request. */
    renewLease: action({
      params: z.strictObject({
        /** Random id of the process that holds the lease, which need not be a gateway. */
        gateway_id: field.Id,
        node_id: z.string(),
        /** Action of `node_id` that receives new entries. */
        action: z.string(),
        since: z.int(),
      }),
      result: z.strictObject({
        changes: z.array(RevocationEntry),
        seq: z.int(),
        /** False if another page follows after `seq`; only the last page grants the lease. */
        granted: z.boolean(),
        /** True if `since` is not in the log: the pages hold all entries, which replace those known before. */
        full: z.boolean(),
      }),
      access: byService("sessions:lease"),
      circuitBreaker: false,
      timeout: 1_000,
    }),
    releaseLease: action({
      params: z.strictObject({ gateway_id: field.Id }),
      result: field.Empty,
      access: byService("sessions:lease"),
      circuitBreaker: false,
    }),
    erase: action(eraseAction),
    export: action(exportAction),
    ...outboxActions,
    keyUsage: action(keyUsageAction),
    /** Deletes expired sessions, expired leases, and old rows of the revocation log and the service tables. */
    sweep: action({
      params: field.Empty,
      result: z.record(z.string(), z.int()),
      access: byService("maintenance:run"),
      timeout: 60_000,
    }),
  },
});
