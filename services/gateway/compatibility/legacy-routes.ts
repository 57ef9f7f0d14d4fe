import { get, idempotent, json } from "../route-defaults.ts";
import type { JsonRoute, Route, Translation } from "../routes.types.ts";
import { createTranslation } from "./field-aliases.ts";

/** A path of an earlier system, served by the canonical route `as`. */
interface Mount {
  readonly path: string;
  readonly as: string;
  readonly translate?: Translation;
}

const v1 = "/api/v1";
const translate = createTranslation();
const passwordReset = createTranslation({ password: "new_password" });
/** Clients of the notification system send `X-Request-ID` as their idempotency key. */
const withRequestId = (translation: Translation) => ({ ...translation, idempotencyKeyHeader: "x-request-id" }) as const;

/** Meetinity, with and without the prefix of its gateway. */
const meetinity: readonly Mount[] = ["", "/api"].flatMap((prefix) => [
  { path: `${prefix}/auth/register`, as: `POST ${v1}/auth/register` },
  { path: `${prefix}/auth/login`, as: `POST ${v1}/auth/login` },
  { path: `${prefix}/auth/refresh`, as: `POST ${v1}/auth/refresh` },
  { path: `${prefix}/auth/logout`, as: `POST ${v1}/auth/logout` },
  { path: `${prefix}/auth/oauth/{provider}`, as: `GET ${v1}/auth/oauth/{provider}` },
  { path: `${prefix}/auth/oauth/{provider}/callback`, as: `GET ${v1}/auth/oauth/{provider}/callback` },
  { path: `${prefix}/users/profile/avatar`, as: `POST ${v1}/users/me/avatar` },
  { path: `${prefix}/users/preferences`, as: `GET ${v1}/users/me/preferences` },
  { path: `${prefix}/users/preferences`, as: `PUT ${v1}/users/me/preferences` },
  { path: `${prefix}/admin/users`, as: `GET ${v1}/admin/users` },
  { path: `${prefix}/admin/users/{id}`, as: `GET ${v1}/admin/users/{id}` },
  { path: `${prefix}/admin/users/{id}/status`, as: `PUT ${v1}/admin/users/{id}/status` },
]);

/** The multi-tenant service with roles. */
const rbac: readonly Mount[] = [
  { path: "/api/register", as: `POST ${v1}/auth/register` },
  { path: "/api/login", as: `POST ${v1}/auth/login` },
  { path: "/api/refresh", as: `POST ${v1}/auth/refresh` },
  { path: "/api/logout", as: `POST ${v1}/auth/logout` },
  { path: "/api/verify-email", as: `POST ${v1}/auth/verify-email` },
  { path: "/api/reset-password", as: `POST ${v1}/auth/password-reset-request` },
  { path: "/api/reset-password/{token}", as: `POST ${v1}/auth/password-reset-confirm`, translate: passwordReset },
  { path: "/api/users", as: `GET ${v1}/admin/users` },
  { path: "/api/users/{id}", as: `PUT ${v1}/admin/users/{id}` },
  { path: "/api/users/{user_id}/activity", as: `GET ${v1}/admin/users/{user_id}/activity` },
  { path: "/api/metrics", as: `GET ${v1}/admin/metrics` },
  { path: "/apidocs", as: "GET /docs" },
];

/** The user service of the notification system. */
const notification: readonly Mount[] = [
  { path: `${v1}/auth/password-reset`, as: `POST ${v1}/auth/password-reset-request` },
  { path: `${v1}/auth/password-reset/confirm`, as: `POST ${v1}/auth/password-reset-confirm`, translate: passwordReset },
  { path: `${v1}/users/profile`, as: `DELETE ${v1}/users/me` },
  { path: `${v1}/users/preferences`, as: `GET ${v1}/users/me/preferences` },
  { path: `${v1}/users/preferences`, as: `PATCH ${v1}/users/me/preferences` },
  { path: `${v1}/health`, as: "GET /health" },
  { path: "/swagger", as: "GET /docs" },
].map((mount) => ({ ...mount, translate: withRequestId(mount.translate ?? translate) }));

/** The canonical route that the notification system also has, with the same method and path. */
const SHARED_ROUTE = `POST ${v1}/users`;

/** Adds the paths of earlier systems, so that their clients only have to change the base URL. */
export function withLegacyRoutes(canonical: readonly Route[]): Route[] {
  const byName = new Map(canonical.map((route) => [`${route.method} ${route.path}`, route]));
  const shared = byName.get(SHARED_ROUTE);
  return [
    ...canonical.map((route) => (route === shared ? { ...route, translate: withRequestId(translate) } : route)),
    ...[...meetinity, ...rbac, ...notification].map((mount) => mountRoute(byName, mount)),
    ...profileRoutes("/users/profile", "PUT", translate),
    ...profileRoutes("/api/users/profile", "PUT", translate),
    ...profileRoutes(`${v1}/users/profile`, "PATCH", withRequestId(translate)),
  ];
}

function mountRoute(byName: ReadonlyMap<string, Route>, mount: Mount): Route {
  const route = byName.get(mount.as);
  if (!route) throw new Error(`${mount.path} is mounted on a route that does not exist: ${mount.as}`);
  const summary = `${route.summary} (as \`${route.path}\`)`;
  const moved = { ...route, path: mount.path, tag: "Compatibility", summary } as const;
  return moved.kind === "page" || moved.kind === "events"
    ? moved
    : { ...moved, translate: mount.translate ?? translate };
}

/** Earlier systems have basic and extended profile fields in one resource. */
function profileRoutes(path: string, method: "PUT" | "PATCH", translation: Translation): JsonRoute[] {
  const row = { path, tag: "Compatibility", translate: translation } as const;
  // biome-ignore format: one route per row
  return [
    { ...get, ...row, action: "users.wholeProfile", message: "Your profile.",
      summary: "Your account and profile in one resource" },
    { ...json, ...row, ...idempotent("users.updateWholeProfile"), method, message: "Profile updated.",
      summary: "Change your account and profile in one request" },
  ];
}
