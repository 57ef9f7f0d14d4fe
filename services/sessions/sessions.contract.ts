import * as z from "zod";
import { action, asAnyone, asUser, asUserWith, byService, contract } from "../../lib/actions/contract.ts";
import * as field from "../../lib/actions/schemas.ts";
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

/** A refresh token and all that the signer of the access token beside it must know. */
const Grant = z.strictObject({
  session_id: field.Id,
  user_id: field.Id,
  tenant_id: field.Id,
  refresh_token: z.string(),
  /** Seconds from now until the session ends unless it is refreshed. */
  refresh_expires_in: z.int(),
  /** Account's and tenant's version, read before roles, tier and status are. */
  ver: z.int(),
  tver: z.int(),
  auth_time: z.int(),
  amr: z.array(z.string()),
});

export const sessionsContract = contract("sessions", {
  requiredPermissions: ["gateway:revoke", "caches:invalidate", "users:sign_in", "users:read", "users:tenants"],
  actions: {
    /** The account's epoch, to be read before anything that decides a sign-in. Unknown accounts are at 0. */
    epoch: action({
      params: z.strictObject({ user_id: field.Id }),
      result: z.strictObject({ epoch: z.int() }),
      access: byService("sessions:read"),
      idempotent: true,
    }),
    /** Makes a session only where the epoch is still the given one, else 401 `session_ended`. */
    create: action({
      params: z.strictObject({
        id: field.Id,
        user_id: field.Id,
        tenant_id: field.Id,
        epoch: z.int(),
        amr: z.array(z.string()).min(1),
        device_name: z.string().max(100).nullish(),
        ip: z.string().max(64).nullish(),
        user_agent: z.string().max(1_024).nullish(),
      }),
      result: Grant,
      access: byService("sessions:create"),
    }),
    /** 401 `refresh_token_invalid`, `token_superseded`, `token_reused`, `session_ended`. Safe to repeat within the grace. */
    refresh: action({
      params: z.strictObject({ refresh_token: field.RefreshTokenText, ip: z.string().max(64).nullish() }),
      result: Grant,
      access: byService("sessions:refresh"),
    }),
    /** Of a refresh token that would be taken now; null for any other. Spends nothing. */
    inspect: action({
      params: z.strictObject({ refresh_token: field.RefreshTokenText }),
      result: z
        .strictObject({ session_id: field.Id, user_id: field.Id, tenant_id: field.Id, iat: z.int(), exp: z.int() })
        .nullable(),
      access: byService("sessions:inspect"),
      idempotent: true,
    }),
    /** Ends the caller's own session, or the one whose refresh token is sent. Answers when no node accepts it any more. */
    logout: action({
      params: z.strictObject({ refresh_token: field.RefreshTokenText.optional() }),
      result: field.Empty,
      access: asAnyone,
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
    /** The caller's own session, for `GET /auth/me`. */
    current: action({ params: field.Empty, result: Session, access: asUser, idempotent: true }),
    /** One session of a user, `is_current` false; null where it has ended. For `GET /auth/me`, which auth answers. */
    get: action({
      params: z.strictObject({ id: field.Id, user_id: field.Id }),
      result: Session.nullable(),
      access: byService("sessions:read"),
      idempotent: true,
    }),
    /** For administrators: the sessions of an account of the tenant, 404 for any other. */
    listForUser: action({
      params: z.strictObject({ user_id: field.Id }),
      result: z.array(Session),
      access: asUserWith("sessions:read"),
      idempotent: true,
    }),
    /** Ends them all, as `logoutAll` does for oneself. */
    revokeForUser: action({
      params: z.strictObject({ user_id: field.Id }),
      result: z.strictObject({ revoked: z.int() }),
      access: asUserWith("sessions:write"),
      timeout: 8_000,
    }),
    /** Of the whole installation. */
    stats: action({
      params: field.Empty,
      result: z.strictObject({ active: z.int() }),
      access: byService("sessions:stats"),
      idempotent: true,
    }),
    /** How many sessions of a user are alive. */
    count: action({
      params: z.strictObject({ user_id: field.Id }),
      result: z.strictObject({ active: z.int() }),
      access: byService("sessions:read"),
      idempotent: true,
    }),
    /**
     * Epoch + 1, ends all sessions but `except`, answers when every lease holder knows. One operation with the event
     * `event_id`: whichever comes second finds it done. 503 `revocation_pending` where the holders can't be reached in time.
     */
    revokeAll: action({
      params: z.strictObject({ user_id: field.Id, event_id: field.Id, except: field.Id.optional() }),
      result: z.strictObject({ revoked: z.int() }),
      access: byService("sessions:manage"),
      timeout: 8_000,
    }),
    /** The least version that is good from now on: roles, tier or status of an account, or settings of a tenant, have changed. */
    bumpTokenVersion: action({
      params: z.strictObject({ kind: z.enum(["user", "tenant"]), id: field.Id, event_id: field.Id }),
      result: z.strictObject({ version: z.int() }),
      access: byService("sessions:manage"),
      timeout: 8_000,
    }),
    /** `<service>/<id>/<write>`: no cache of that service answers for the id when this does, until the write is done. */
    invalidateCache: action({
      params: z.strictObject({ keys: z.array(z.string().max(200)).min(1).max(100) }),
      result: field.Empty,
      access: byService("sessions:forget"),
      idempotent: true,
      timeout: 8_000,
    }),
    /** Asked once a second by everyone who checks access tokens. The lease runs 3 s from the moment of asking. */
    renewLease: action({
      params: z.strictObject({
        gateway_id: field.Id,
        node_id: z.string(),
        /** Action to call with `RevocationEntry`s, at `node_id`. */
        action: z.string(),
        since: z.int(),
      }),
      result: z.strictObject({
        changes: z.array(RevocationEntry),
        seq: z.int(),
        /** False: there is another page after `seq`, nothing is granted yet. */
        granted: z.boolean(),
        /** True: `since` is older than what is kept; this is everything, forget what you knew. */
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
    /** Expired sessions, old revocation log and idempotency rows. */
    sweep: action({
      params: field.Empty,
      result: z.record(z.string(), z.int()),
      access: byService("maintenance:run"),
      timeout: 60_000,
    }),
  },
});
