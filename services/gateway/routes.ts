import type { ActionName } from "../../lib/actions/typed-call.ts";
import { adminRoutes } from "./admin-routes.ts";
import { withLegacyRoutes } from "./compatibility/legacy-routes.ts";
import { pageRoutes } from "./page-routes.ts";
import { get, htmlPage, idempotent, json, list, page, wholeList } from "./route-defaults.ts";
import type { JsonRoute, Route } from "./routes.types.ts";

const auth = "/api/v1/auth";
const users = "/api/v1/users";

const anyone = { ...json, auth: "public", method: "POST" } as const;
const optional = { ...json, auth: "optional", method: "POST" } as const;
const oauthRedirect = {
  kind: "redirect",
  method: "GET",
  auth: "public",
  rateLimit: "login",
  bindingCookie: "oauth",
} as const;
const jsonPage = { ...page, contentType: "application/json" } as const;

const register = {
  ...anyone,
  usesTenantHeader: true,
  action: "auth.register",
  status: 201,
  message: "Account created. Check your inbox for the verification link.",
  dataField: "user",
  rateLimit: "register",
  bindingCookie: "registration",
  idempotentAction: "users.create",
  summary: "Create an account",
} as const;

/** PUT and PATCH both change only the fields that are sent. */
function change(path: string, action: ActionName, message: string, summary: string): JsonRoute[] {
  const row = { ...json, ...idempotent(action), versioned: true, path, message, tag: "Users", summary } as const;
  return [
    { ...row, method: "PUT" },
    { ...row, method: "PATCH" },
  ];
}

// biome-ignore format: one route per row
const canonicalRoutes: readonly Route[] = [
  { ...register, path: `${auth}/register`, tag: "Auth" },
  { ...anyone, usesTenantHeader: true, path: `${auth}/login`, action: "auth.login", message: "Signed in.",
    rateLimit: "login", sessionCookies: "set", tag: "Auth", summary: "Sign in with a password" },
  { ...anyone, usesTenantHeader: true, path: `${auth}/restore-account`, action: "auth.restoreAccount",
    message: "Your account is active again. Sign in.", rateLimit: "login", tag: "Auth",
    summary: "Take back the deletion of your account, until it is erased" },
  { ...anyone, path: `${auth}/refresh`, action: "auth.refresh", message: "Tokens refreshed.", rateLimit: "login",
    failover: true, sessionCookies: "set", tag: "Auth", summary: "Exchange a refresh token for a new token pair" },
  { ...optional, ...idempotent("sessions.logout"), path: `${auth}/logout`, authFallbackField: "refresh_token",
    message: "Signed out.", sessionCookies: "clear", tag: "Auth", summary: "Sign out: revoke this session" },
  { ...json, ...idempotent("sessions.logoutAll"), method: "POST", path: `${auth}/logout-all`, input: "none",
    message: "Signed out everywhere.", sessionCookies: "clear", tag: "Auth",
    summary: "Sign out everywhere: revoke all sessions" },
  { ...get, path: `${auth}/me`, action: "auth.me", message: "Your account and current session.", tag: "Auth",
    summary: "The signed-in user, their permissions and the current session" },
  { ...json, auth: "service", method: "POST", path: `${auth}/introspect`, action: "gateway.introspect",
    acceptsForm: true, envelope: false, message: "Token introspected.", tag: "Auth",
    summary: "Introspect an access or refresh token (RFC 7662)" },
  { ...json, ...idempotent("auth.changePassword"), method: "POST", path: `${auth}/change-password`,
    message: "Password changed. All other sessions have been signed out.", tag: "Auth",
    summary: "Change your password" },
  { ...anyone, ...idempotent("auth.requestReset"), usesTenantHeader: true, path: `${auth}/password-reset-request`,
    status: 202, message: "If the account exists, we have sent a link to reset the password.", rateLimit: "mail",
    tag: "Auth", summary: "Request a password reset link" },
  { ...anyone, ...idempotent("auth.confirmReset"), path: `${auth}/password-reset-confirm`,
    message: "Password changed. All sessions have been signed out.", tag: "Auth",
    summary: "Set a new password with the token from the mail" },
  { ...optional, ...idempotent("auth.requestVerification"), usesTenantHeader: true,
    path: `${auth}/verify-email-request`, authFallbackField: "email", status: 202, rateLimit: "mail", tag: "Auth",
    message: "If the address is awaiting verification, we have sent a new link.",
    summary: "Request a new verification link" },
  { ...optional, ...idempotent("auth.verifyEmail"), path: `${auth}/verify-email`, authFallbackField: "token",
    message: "Email address verified.", dataField: "user", bindingCookie: "registration", tag: "Auth",
    summary: "Verify an email address with the token from the mail, signed in or with a password" },
  { ...htmlPage, path: `${auth}/verify-email`, page: "verifyEmail", tag: "Auth",
    summary: "Page the mailed link opens; it submits the token when its reader confirms" },
  { ...wholeList, path: `${auth}/sessions`, action: "sessions.listOwn", message: "Your sessions.", tag: "Auth",
    summary: "Your sessions and devices" },
  { ...json, ...idempotent("sessions.revokeOwn"), method: "DELETE", path: `${auth}/sessions/{id}`, input: "none",
    message: "Session revoked.", tag: "Auth", summary: "Revoke one of your sessions" },

  { ...oauthRedirect, usesTenantHeader: true, path: `${auth}/oauth/{provider}`, action: "auth.oauthStart",
    message: "Redirecting to the provider.", tag: "Auth", summary: "Sign in with a provider" },
  { ...oauthRedirect, path: `${auth}/oauth/{provider}/callback`, action: "auth.oauthCallback", message: "Signed in.",
    dataField: "outcome", sessionCookies: "set", tag: "Auth",
    summary: "Provider callback: returns tokens, or redirects to `return_to` with a one-time code or session cookies" },
  { kind: "redirect", auth: "public", method: "POST", path: `${auth}/oauth/{provider}/callback`,
    action: "auth.oauthFormPost", rateLimit: "default", message: "Continue with the callback.", tag: "Auth",
    summary: "Provider callback of the response mode `form_post`: redirects to the same URL with GET" },
  { ...optional, path: `${auth}/oauth/exchange`, action: "auth.oauthExchange", authFallbackField: "code",
    message: "Signed in.", rateLimit: "login", sessionCookies: "set", bindingCookie: "oauth", tag: "Auth",
    summary: "Exchange the one-time code of a sign-in, or of an account link in the session that started it" },
  { ...wholeList, path: `${auth}/identities`, action: "auth.identities", message: "Your linked providers.",
    tag: "Auth", summary: "Your linked providers" },
  { ...json, method: "POST", path: `${auth}/identities/{provider}`, action: "auth.linkIdentity",
    message: "Open `authorize_url` in a browser to continue.", rateLimit: "login", bindingCookie: "oauth", tag: "Auth",
    summary: "Link a provider to your account" },
  { ...json, ...idempotent("auth.unlinkIdentity"), method: "DELETE", path: `${auth}/identities/{provider}`,
    input: "none", message: "Provider unlinked.", tag: "Auth", summary: "Unlink a provider" },

  { ...register, path: users, tag: "Users" },
  { ...get, path: `${users}/me`, versioned: true, action: "users.me", message: "Your account.", tag: "Users",
    summary: "Your account with its basic profile" },
  ...change(`${users}/me`, "users.updateMe", "Account updated.", "Change your account and basic profile"),
  { ...get, path: `${users}/me/profile`, versioned: true, action: "users.profile", message: "Your profile.", tag: "Users",
    summary: "Your extended profile" },
  ...change(`${users}/me/profile`, "users.updateProfile", "Profile updated.", "Change your extended profile"),
  { ...get, path: `${users}/me/preferences`, versioned: true, action: "preferences.me", message: "Your preferences.", tag: "Users",
    summary: "Your preferences" },
  ...change(`${users}/me/preferences`, "preferences.updateMe", "Preferences updated.", "Change your preferences"),
  { ...json, ...idempotent("users.setAvatar"), method: "POST", path: `${users}/me/avatar`, input: "avatar",
    message: "Avatar changed.", tag: "Users",
    summary: "Upload an avatar; it is re-encoded in two sizes and stripped of metadata" },
  { ...json, ...idempotent("users.deleteAvatar"), method: "DELETE", path: `${users}/me/avatar`, input: "none",
    message: "Avatar removed.", tag: "Users", summary: "Remove the avatar" },
  { kind: "stream", method: "GET", auth: "user", rateLimit: "default", path: `${users}/me/export`,
    action: "users.export", message: "Your personal data.", tag: "Users",
    summary: "Export everything the services store about you, as one document" },
  { ...json, ...idempotent("users.deleteMe"), method: "DELETE", path: `${users}/me`,
    message: "Account deleted. `erase_at` says when it is erased.", tag: "Users",
    summary: "Delete your account" },
  { kind: "events", method: "GET", auth: "user", rateLimit: "default", path: `${users}/me/events`, tag: "Users",
    summary: "Server-sent events: the session has ended, or the access token must be refreshed" },
  { ...get, path: `${users}/me/stats`, action: "users.stats", message: "Your statistics.", tag: "Users",
    summary: "Account age, profile completeness, sessions and sign-ins" },
  { ...json, ...idempotent("users.upgrade"), method: "POST", path: `${users}/me/upgrade`,
    message: "Subscription changed. Refresh the access token.", tag: "Users",
    summary: "Upgrade to a premium subscription" },
  { ...json, ...idempotent("users.downgrade"), method: "POST", path: `${users}/me/downgrade`, input: "none",
    message: "Subscription ended. Refresh the access token.", tag: "Users",
    summary: "Cancel the premium subscription" },
  { ...list, path: `${users}/search`, action: "users.search", message: "People.", tag: "Users",
    summary: "Search the tenant's users who have a public profile" },
  { ...get, path: `${users}/{id}`, action: "users.person", message: "Person.", tag: "Users",
    summary: "Another user, as their privacy settings allow" },
  { ...get, path: `${users}/{id}/profile`, action: "users.personProfile", message: "The person's profile.",
    tag: "Users", summary: "Another user's extended profile" },
  { ...get, path: `${users}/{id}/preferences`, action: "preferences.person", message: "The person's preferences.",
    tag: "Users", summary: "Another user's search preferences" },
  { ...list, path: `${users}/me/activity`, action: "admin.myActivity", message: "Your activity.", tag: "Users",
    summary: "Your own activity log" },

  ...adminRoutes,

  { ...jsonPage, path: "/", page: "home", summary: "Service name, version and links" },
  { ...jsonPage, path: "/api/v1", page: "home", summary: "Service name, version and links" },
  { ...jsonPage, path: "/health", page: "health", summary: "Health; details for loopback clients or with OPERATOR_TOKEN" },
  { ...jsonPage, path: "/health/live", page: "live", summary: "Liveness: the process responds" },
  { ...jsonPage, path: "/health/ready", page: "ready", summary: "Readiness: the node accepts requests" },
  { ...page, path: "/metrics", page: "metrics", contentType: "text/plain",
    summary: "Prometheus metrics; for loopback clients or with OPERATOR_TOKEN" },
  { ...jsonPage, path: "/db/status", page: "databaseStatus",
    summary: "Database, pool and migrations; for loopback clients or with OPERATOR_TOKEN" },
  { ...jsonPage, path: "/.well-known/jwks.json", page: "jwks", summary: "Public keys that verify access tokens (RFC 7517)" },
  { ...jsonPage, path: "/.well-known/openid-configuration", page: "serverMetadata",
    summary: "Issuer and keys of access tokens (OpenID Connect Discovery 1.0)" },
  { ...jsonPage, path: "/.well-known/oauth-authorization-server", page: "serverMetadata",
    summary: "Issuer and keys of access tokens (RFC 8414)" },
  { ...jsonPage, path: "/openapi.json", page: "openapi", summary: "This document" },
  { ...jsonPage, path: "/openapi-compatibility.json", page: "compatibility",
    summary: "The OpenAPI document of the paths of earlier systems" },
  { ...htmlPage, path: "/docs", page: "docs", summary: "Swagger UI" },
  { ...htmlPage, path: "/redoc", page: "redoc", summary: "ReDoc" },
  { ...htmlPage, path: "/dev/mail", page: "devMail", summary: "Mails caught by the embedded mail server" },
  { ...jsonPage, method: "DELETE", path: "/dev/mail", page: "devMailClear", summary: "Empty the embedded mail server" },
  { ...htmlPage, path: "/dev/mail/samples", page: "mailSamples", summary: "Samples of all mails" },
  { ...htmlPage, path: "/dev/mail/samples/{name}", page: "mailSampleFrame", summary: "The HTML part of a sample" },
  { ...htmlPage, path: "/dev/mail/{id}", page: "devMailFrame", summary: "The HTML part of a caught mail" },
  ...pageRoutes,
  { ...page, path: "/avatars/{image}", page: "avatar", contentType: "image/webp", tag: "Users", summary: "An avatar" },
  { ...page, path: "/assets/{file}", page: "asset", contentType: "text/javascript",
    summary: "Scripts and styles of these pages" },
];

/** The public API: every path that the gateway serves. */
export const routes: readonly Route[] = withLegacyRoutes(canonicalRoutes);
