import type { ActionName } from "../../lib/actions/typed-call.ts";
import { adminRoutes } from "./admin-routes.ts";
import { compatibilityRoutes } from "./compatibility/legacy-routes.ts";

/**
 * The public API as one table of data. The router, the doors, the calls on the bus and the OpenAPI document are all
 * taken from it. What a route takes, answers and permits stands in its action's contract.
 */
export interface ApiRoute {
  readonly kind: "api";
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** `{name}` is a UUID, `{provider}` the name of one, and becomes the parameter of that name. */
  readonly path: string;
  readonly action: ActionName;
  /** `public` looks at no token at all; `optional` takes one that is there; `service` also a foreign service's secret. */
  readonly auth: "public" | "optional" | "user" | "service";
  /** A call that is not signed in names its tenant here; elsewhere a token or a state tells it. */
  readonly namesTenant?: true;
  /** Where parameters come from beside the path. Nothing in the query ever stands in for a field of the body. */
  readonly input: "none" | "body" | "query" | "file";
  /** Field of the body that stands in for being signed in, on an `optional` route. */
  readonly authFallbackField?: string;
  readonly status: 200 | 201 | 202 | 302;
  readonly message: string;
  /** Member of the result that is the answer's `data`; where it is null, the request was only accepted. */
  readonly dataField?: string;
  /** The result is a page, or a whole list: `data` is the list, `meta` says where in it we are. */
  readonly list?: "page" | "whole";
  /** Where the result has a `location`, the browser is sent there. */
  readonly redirect?: true;
  /** On a browser's way through a provider: its cookie is the parameter `browser`, and the result's `browser` the new one. */
  readonly browser?: true;
  readonly rateLimit: RateLimitClass;
  /** The action that commits, and so the one that keeps the answer under an `Idempotency-Key`. */
  readonly idempotentAction?: ActionName;
  /** Repeatable by protocol: sent again to another node when one does not answer. */
  readonly failover?: true;
  /** `set`: the answer's tokens go into cookies where the client asks for it. `clear`: it ends the session that they hold. */
  readonly sessionCookies?: "set" | "clear";
  /** Each service that keeps personal data adds to one bare document by its own action of this name; it is sent as it is read. */
  readonly stream?: true;
  /** The result is the answer, without the envelope. */
  readonly bare?: true;
  /** Also takes a body of application/x-www-form-urlencoded. */
  readonly form?: true;
  /** A path of an earlier system: its names of fields, and whether `X-Request-ID` is the idempotency key there. */
  readonly seed?: { readonly renamed: Readonly<Record<string, string>>; readonly requestIdIsKey: boolean };
  readonly tag: Tag;
  readonly summary: string;
}

export type RateLimitClass = "register" | "login" | "mail" | "default";
export type Tag = "Auth" | "Users" | "Admin" | "System" | "Compatibility";

export interface PageRoute {
  readonly kind: "page";
  readonly method: "GET";
  readonly path: string;
  readonly page: PageName;
  readonly tag: Tag;
  readonly summary: string;
  /** Media type of a good answer, for the OpenAPI document. */
  readonly type: string;
}

export type PageName =
  | "home"
  | "health"
  | "live"
  | "ready"
  | "metrics"
  | "databaseStatus"
  | "jwks"
  | "openapi"
  | "docs"
  | "redoc"
  | "devMail"
  | "verifyEmail"
  | "resetPassword"
  | "avatar"
  | "asset";

export type Route = ApiRoute | PageRoute;

const auth = "/api/v1/auth";
const users = "/api/v1/users";
const admin = "/api/v1/admin";

const api = { kind: "api", status: 200, rateLimit: "default" } as const;
const anyone = { ...api, auth: "public" } as const;
const named = { ...anyone, namesTenant: true } as const;
const signedIn = { ...api, auth: "user" } as const;
const get = { ...signedIn, method: "GET", input: "none" } as const;
const list = { ...signedIn, method: "GET", input: "query", list: "page" } as const;
const page = { kind: "page", method: "GET", tag: "System" } as const;

const register = {
  ...named,
  method: "POST",
  action: "auth.register",
  input: "body",
  status: 201,
  message: "Account created. Check your inbox for the verification link.",
  dataField: "user",
  rateLimit: "register",
  idempotentAction: "users.create",
  summary: "Create an account",
} as const;

/** PUT and PATCH alike change just the fields that are sent. */
function change(path: string, action: ActionName, message: string, summary: string): ApiRoute[] {
  const row = {
    ...signedIn,
    path,
    action,
    input: "body",
    message,
    idempotentAction: action,
    tag: "Users",
    summary,
  } as const;
  return [
    { ...row, method: "PUT" },
    { ...row, method: "PATCH" },
  ];
}

// biome-ignore format: a table reads by rows
const ours: readonly Route[] = [
  { ...register, path: `${auth}/register`, tag: "Auth" },
  { ...named, method: "POST", path: `${auth}/login`, action: "auth.login", input: "body", message: "Signed in.",
    rateLimit: "login", sessionCookies: "set", tag: "Auth", summary: "Sign in with a password" },
  { ...anyone, method: "POST", path: `${auth}/refresh`, action: "auth.refresh", input: "body",
    message: "Tokens refreshed.", rateLimit: "login", failover: true, sessionCookies: "set", tag: "Auth",
    summary: "Exchange a refresh token for a new token pair" },
  { ...api, auth: "optional", method: "POST", path: `${auth}/logout`, action: "sessions.logout", input: "body",
    authFallbackField: "refresh_token", message: "Signed out.", idempotentAction: "sessions.logout", sessionCookies: "clear", tag: "Auth",
    summary: "Sign out: revoke this session" },
  { ...signedIn, method: "POST", path: `${auth}/logout-all`, action: "sessions.logoutAll", input: "none",
    message: "Signed out everywhere.", idempotentAction: "sessions.logoutAll", sessionCookies: "clear", tag: "Auth",
    summary: "Sign out everywhere: revoke all sessions" },
  { ...get, path: `${auth}/me`, action: "auth.me", message: "Your account and current session.", tag: "Auth",
    summary: "The signed-in user and the current session" },
  { ...api, auth: "service", method: "POST", path: `${auth}/introspect`, action: "gateway.introspect", input: "body",
    form: true, bare: true, message: "Token introspected.", tag: "Auth",
    summary: "Introspect an access or refresh token (RFC 7662)" },
  { ...signedIn, method: "POST", path: `${auth}/change-password`, action: "auth.changePassword", input: "body",
    message: "Password changed. All other sessions have been signed out.", idempotentAction: "auth.changePassword",
    tag: "Auth", summary: "Change your password" },
  { ...named, method: "POST", path: `${auth}/password-reset-request`, action: "auth.requestReset", input: "body",
    status: 202, message: "If the account exists, we have sent a link to reset the password.", rateLimit: "mail",
    idempotentAction: "auth.requestReset", tag: "Auth", summary: "Request a password reset link" },
  { ...anyone, method: "POST", path: `${auth}/password-reset-confirm`, action: "auth.confirmReset", input: "body",
    message: "Password changed. All sessions have been signed out.", idempotentAction: "auth.confirmReset", tag: "Auth",
    summary: "Set a new password with the token from the mail" },
  { ...api, auth: "optional", method: "POST", path: `${auth}/verify-email-request`, action: "auth.requestVerification",
    namesTenant: true, input: "body", authFallbackField: "email", status: 202,
    message: "If the address is awaiting verification, we have sent a new link.", rateLimit: "mail",
    idempotentAction: "auth.requestVerification", tag: "Auth", summary: "Request a new verification link" },
  { ...anyone, method: "POST", path: `${auth}/verify-email`, action: "auth.verifyEmail", input: "body",
    message: "Email address verified.", dataField: "user", idempotentAction: "auth.verifyEmail", tag: "Auth",
    summary: "Verify an email address with the token from the mail" },
  { ...page, path: `${auth}/verify-email`, page: "verifyEmail", tag: "Auth", type: "text/html",
    summary: "Page the mailed link opens; its button submits the token" },
  { ...get, path: `${auth}/sessions`, action: "sessions.listOwn", list: "whole", message: "Your sessions.", tag: "Auth",
    summary: "Your sessions and devices" },
  { ...signedIn, method: "DELETE", path: `${auth}/sessions/{id}`, action: "sessions.revokeOwn", input: "none",
    message: "Session revoked.", idempotentAction: "sessions.revokeOwn", tag: "Auth", summary: "Revoke one of your sessions" },

  { ...named, method: "GET", path: `${auth}/oauth/{provider}`, action: "auth.oauthStart", input: "query", status: 302,
    redirect: true, browser: true, message: "Redirecting to the provider.", rateLimit: "login", tag: "Auth",
    summary: "Sign in with a provider" },
  { ...anyone, method: "GET", path: `${auth}/oauth/{provider}/callback`, action: "auth.oauthCallback", input: "query",
    redirect: true, browser: true, message: "Signed in.", dataField: "outcome", rateLimit: "login", sessionCookies: "set", tag: "Auth",
    summary: "Provider callback: returns tokens, or redirects to `return_to` with a one-time code or session cookies" },
  { ...api, auth: "optional", method: "POST", path: `${auth}/oauth/exchange`, action: "auth.oauthExchange", input: "body",
    browser: true, authFallbackField: "code", message: "Signed in.", rateLimit: "login", sessionCookies: "set", tag: "Auth",
    summary: "Exchange the one-time code of a sign-in, or of an account link in the session that started it" },
  { ...get, path: `${auth}/identities`, action: "auth.identities", list: "whole", message: "Your linked providers.",
    tag: "Auth", summary: "Your linked providers" },
  { ...signedIn, method: "POST", path: `${auth}/identities/{provider}`, action: "auth.linkIdentity", input: "body",
    browser: true, message: "Open `authorize_url` in a browser to continue.", rateLimit: "login", tag: "Auth",
    summary: "Link a provider to your account" },
  { ...signedIn, method: "DELETE", path: `${auth}/identities/{provider}`, action: "auth.unlinkIdentity", input: "none",
    message: "Provider unlinked.", idempotentAction: "auth.unlinkIdentity", tag: "Auth", summary: "Unlink a provider" },

  { ...register, path: users, seed: { renamed: {}, requestIdIsKey: true }, tag: "Users" },
  { ...get, path: `${users}/me`, action: "users.me", message: "Your account.", tag: "Users",
    summary: "Your account with its basic profile" },
  ...change(`${users}/me`, "users.updateMe", "Account updated.", "Change your account and basic profile"),
  { ...get, path: `${users}/me/profile`, action: "users.profile", message: "Your profile.", tag: "Users",
    summary: "Your extended profile" },
  ...change(`${users}/me/profile`, "users.updateProfile", "Profile updated.", "Change your extended profile"),
  { ...get, path: `${users}/me/preferences`, action: "preferences.me", message: "Your preferences.", tag: "Users",
    summary: "Your preferences" },
  ...change(`${users}/me/preferences`, "preferences.updateMe", "Preferences updated.", "Change your preferences"),
  { ...signedIn, method: "POST", path: `${users}/me/avatar`, action: "users.setAvatar", input: "file",
    message: "Avatar changed.", idempotentAction: "users.setAvatar", tag: "Users",
    summary: "Upload an avatar; it is re-encoded in two sizes and stripped of metadata" },
  { ...signedIn, method: "DELETE", path: `${users}/me/avatar`, action: "users.deleteAvatar", input: "none",
    message: "Avatar removed.", idempotentAction: "users.deleteAvatar", tag: "Users", summary: "Remove the avatar" },
  { ...get, path: `${users}/me/export`, action: "users.export", stream: true, message: "Your personal data.",
    tag: "Users", summary: "Export everything the services store about you, as one document" },
  { ...signedIn, method: "DELETE", path: `${users}/me`, action: "users.deleteMe", input: "body",
    message: "Account deleted. It will be erased at the scheduled time.", idempotentAction: "users.deleteMe", tag: "Users",
    summary: "Delete your account" },
  { ...get, path: `${users}/me/stats`, action: "users.stats", message: "Your statistics.", tag: "Users",
    summary: "Account age, profile completeness, sessions and sign-ins" },
  { ...signedIn, method: "POST", path: `${users}/me/upgrade`, action: "users.upgrade", input: "body",
    message: "Subscription changed. Refresh the access token.", idempotentAction: "users.upgrade", tag: "Users",
    summary: "Upgrade to a premium subscription" },
  { ...signedIn, method: "POST", path: `${users}/me/downgrade`, action: "users.downgrade", input: "none",
    message: "Subscription ended. Refresh the access token.", idempotentAction: "users.downgrade", tag: "Users",
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

  { ...list, path: `${admin}/users`, action: "users.list", message: "Users.", tag: "Admin",
    summary: "List and search the tenant's users" },
  { ...get, path: `${admin}/users/{id}`, action: "users.adminGet", message: "User.", tag: "Admin",
    summary: "One user" },
  { ...signedIn, method: "DELETE", path: `${admin}/users/{id}`, action: "users.adminDelete", input: "body",
    message: "Account deleted. It will be erased at the scheduled time.", idempotentAction: "users.adminDelete", tag: "Admin",
    summary: "Delete an account" },
  { ...get, path: `${admin}/users/{id}/erasure`, action: "users.erasure", message: "Erasure status.",
    tag: "Admin", summary: "Progress of an erasure and, once completed, its certificate" },
  { ...signedIn, method: "PUT", path: `${admin}/users/{id}/status`, action: "users.setStatus", input: "body",
    message: "Status changed.", idempotentAction: "users.setStatus", tag: "Admin", summary: "Activate or deactivate a user" },
  { ...list, path: `${admin}/users/{user_id}/activity`, action: "admin.userActivity",
    message: "The user's activity.", tag: "Admin", summary: "One user's activity log" },
  { ...list, path: `${admin}/activity`, action: "admin.activity", message: "The tenant's activity.", tag: "Admin",
    summary: "The tenant's activity log" },

  ...adminRoutes,

  { ...page, path: "/", page: "home", type: "application/json", summary: "Service name, version and links" },
  { ...page, path: "/health", page: "health", type: "application/json",
    summary: "Health; details for loopback clients or with OPERATOR_TOKEN" },
  { ...page, path: "/health/live", page: "live", type: "application/json", summary: "Liveness: the process responds" },
  { ...page, path: "/health/ready", page: "ready", type: "application/json",
    summary: "Readiness: the node accepts requests" },
  { ...page, path: "/metrics", page: "metrics", type: "text/plain",
    summary: "Prometheus metrics; for loopback clients or with OPERATOR_TOKEN" },
  { ...page, path: "/db/status", page: "databaseStatus", type: "application/json",
    summary: "Database, pool and migrations; for loopback clients or with OPERATOR_TOKEN" },
  { ...page, path: "/.well-known/jwks.json", page: "jwks", type: "application/json",
    summary: "Public keys that verify access tokens (RFC 7517)" },
  { ...page, path: "/openapi.json", page: "openapi", type: "application/json", summary: "This document" },
  { ...page, path: "/docs", page: "docs", type: "text/html", summary: "Swagger UI" },
  { ...page, path: "/redoc", page: "redoc", type: "text/html", summary: "ReDoc" },
  { ...page, path: "/dev/mail", page: "devMail", type: "text/html",
    summary: "Mails caught by the embedded mail server" },
  { ...page, path: "/reset-password", page: "resetPassword", type: "text/html",
    summary: "Page the mailed reset link opens" },
  { ...page, path: "/avatars/{image}", page: "avatar", type: "image/webp", tag: "Users", summary: "An avatar" },
  { ...page, path: "/assets/{file}", page: "asset", type: "text/javascript",
    summary: "Scripts and styles of these pages" },
];

export const routes: readonly Route[] = [...ours, ...compatibilityRoutes(ours)];
