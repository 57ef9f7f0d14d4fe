import type { ActionDef } from "../../../lib/actions/contract.ts";
import { type ErrorCode, publicCode, statusOf } from "../../../lib/actions/errors.ts";
import type { ActionName } from "../../../lib/actions/typed-call.ts";
import { pathParamNames, takesQuery } from "../api/prepare-route.ts";
import type { ApiRoute, EventsRoute } from "../routes.types.ts";

type Codes = readonly ErrorCode[];

/** The errors of each action itself. Errors that depend on its route and its access are derived from those. */
const actionErrors: Partial<Record<ActionName, Codes>> = {
  "auth.register": ["email_taken", "username_taken", "registration_closed", "tenant_limit_reached"],
  "auth.login": ["invalid_credentials", "account_disabled", "email_not_verified", "too_many_attempts", "session_ended"],
  "auth.restoreAccount": [
    "invalid_credentials",
    "account_disabled",
    "account_erased",
    "too_many_attempts",
    "revocation_pending",
  ],
  "auth.refresh": [
    "refresh_token_invalid",
    "token_superseded",
    "token_reused",
    "session_ended",
    "csrf_failed",
    "revocation_pending",
  ],
  "sessions.logout": ["token_missing", "refresh_token_invalid", "revocation_pending"],
  "sessions.logoutAll": ["revocation_pending"],
  "sessions.revokeOwn": ["revocation_pending"],
  "sessions.revokeForUser": ["forbidden", "revocation_pending"],
  "gateway.introspect": ["forbidden"],
  "auth.changePassword": ["invalid_credentials", "conflict", "too_many_attempts", "revocation_pending"],
  "auth.confirmReset": ["one_time_token_invalid", "revocation_pending"],
  "auth.verifyEmail": [
    "one_time_token_invalid",
    "invalid_credentials",
    "password_required",
    "email_taken",
    "too_many_attempts",
    "revocation_pending",
  ],
  "auth.oauthStart": ["oauth_failed"],
  "auth.oauthCallback": [
    "oauth_state_invalid",
    "oauth_failed",
    "oauth_code_invalid",
    "session_ended",
    "account_disabled",
    "email_not_verified",
    "registration_closed",
    "email_taken",
    "identity_taken",
    "tenant_limit_reached",
    "conflict",
  ],
  "auth.oauthExchange": [
    "oauth_code_invalid",
    "account_disabled",
    "email_not_verified",
    "identity_taken",
    "conflict",
    "csrf_failed",
  ],
  "auth.unlinkIdentity": ["last_sign_in_method"],
  "users.updateMe": ["email_taken", "username_taken", "invalid_credentials", "step_up_required", "too_many_attempts"],
  "users.updateWholeProfile": [
    "email_taken",
    "username_taken",
    "invalid_credentials",
    "step_up_required",
    "too_many_attempts",
  ],
  "users.deleteMe": ["invalid_credentials", "step_up_required", "too_many_attempts", "last_admin"],
  "users.upgrade": ["forbidden"],
  "users.adminCreate": ["email_taken", "username_taken", "tenant_limit_reached"],
  "users.deleteTenant": ["tenant_erased"],
  "auth.sendLink": ["account_disabled"],
  "users.adminUpdate": ["email_taken", "username_taken", "last_admin", "account_erased"],
  "users.adminDelete": ["last_admin"],
  "users.setStatus": ["last_admin", "account_erased"],
  "users.invite": ["email_taken", "tenant_limit_reached"],
  "users.createRole": ["role_exists"],
  "users.updateRole": ["role_exists", "last_admin"],
  "users.deleteRole": ["last_admin"],
  "users.createTenant": ["slug_taken"],
  "webhooks.create": ["webhook_limit_reached", "tenant_erased"],
  "webhooks.test": ["webhook_disabled"],
  "webhooks.redeliver": ["webhook_disabled"],
  "users.updateTenant": ["slug_taken", "tenant_erased"],
  "users.setTenantLogo": ["tenant_erased"],
};

const always: Codes = ["bad_request", "rate_limited", "internal_error", "service_unavailable", "overloaded"];
const ofToken: Codes = ["token_invalid", "token_expired", "token_stale", "session_ended"];
const ofSignedIn: Codes = ["token_missing", ...ofToken, "forbidden", "validation_failed"];
const ofBody: Codes = [
  "request_timeout",
  "payload_too_large",
  "unsupported_media_type",
  "invalid_json",
  "validation_failed",
];
const ofIdempotency: Codes = ["request_in_progress", "account_erased", "idempotency_key_reused"];

/** The codes that an operation can answer, by status, in the order in which a request is checked. */
export function errorCodes(route: ApiRoute, { access }: ActionDef): Map<number, string[]> {
  const isUnsafe = route.method !== "GET";
  return byStatus([
    ...always,
    ...(route.auth === "user" ? ofSignedIn : []),
    ...(route.auth === "service" ? [...ofSignedIn, "csrf_failed" as const] : []),
    ...(route.auth === "optional" ? ofToken : []),
    ...(isUnsafe && (route.auth !== "public" || setsCookies(route)) ? (["csrf_failed"] as const) : []),
    ...(isUnsafe && route.action.startsWith("users.") ? (["revocation_pending"] as const) : []),
    ...(access.premiumOr === undefined ? [] : (["premium_required"] as const)),
    ...(access.fresh === undefined ? [] : (["step_up_required"] as const)),
    ...(pathParamNames(route).length > 0 ? (["not_found"] as const) : []),
    ...(takesQuery(route) || route.usesTenantHeader ? (["validation_failed"] as const) : []),
    ...(takesBody(route) ? ofBody : []),
    ...(route.kind === "json" && route.versioned && isUnsafe ? (["precondition_failed"] as const) : []),
    ...(route.kind === "json" && route.idempotentAction ? ofIdempotency : []),
    ...(actionErrors[route.action] ?? []),
  ]);
}

function setsCookies(route: ApiRoute): boolean {
  return route.kind === "json" && route.sessionCookies !== undefined;
}

function takesBody(route: ApiRoute): boolean {
  return route.kind === "json" ? route.input !== "none" : route.method !== "GET";
}

export function eventsErrorCodes(_route: EventsRoute): Map<number, string[]> {
  return byStatus([...always, ...ofSignedIn]);
}

export function byStatus(codes: Codes): Map<number, string[]> {
  const sorted = new Map<number, Set<string>>();
  for (const code of codes) {
    const known = sorted.get(statusOf(code)) ?? new Set();
    sorted.set(statusOf(code), known.add(publicCode(code)));
  }
  return new Map([...sorted].toSorted(([one], [other]) => one - other).map(([status, set]) => [status, [...set]]));
}
