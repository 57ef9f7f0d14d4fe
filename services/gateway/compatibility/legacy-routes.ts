import * as z from "zod";
import { RoleName } from "../../users/contract/users-shapes.contract.ts";
import { get, idempotent, json } from "../route-defaults.ts";
import type { JsonRoute, Route, Translation } from "../routes.types.ts";
import { createTranslation } from "./field-aliases.ts";

/** A path of an earlier system, served by the canonical route `as`. */
interface Mount {
  readonly system: string;
  readonly path: string;
  readonly as: string;
  readonly translate?: Translation;
}

const MEETINITY = "Meetinity";
const RBAC = "the multi-tenant RBAC service";
const NOTIFICATION = "the notification system";

const v1 = "/api/v1";
const translate = createTranslation();
const passwordReset = createTranslation({ password: "new_password" });
/** Clients of the notification system send `X-Request-ID` as their idempotency key. */
const withRequestId = (translation: Translation) => ({ ...translation, idempotencyKeyHeader: "x-request-id" }) as const;

/** Translates only the idempotency key, because the field names are the same. */
const keyOnly: Translation = withRequestId({
  request: (body) => body,
  response: (result) => result,
  requestSchema: (schema) => schema,
  responseSchema: (schema) => schema,
});

/** The RBAC service has one role for a user, we have a list of them. */
const singleRole: Translation = {
  ...translate,
  request: ({ role, ...body }) => translate.request(role === undefined ? body : { roles: [role], ...body }),
  requestSchema: (schema) => {
    const translated = translate.requestSchema(schema);
    return translated instanceof z.ZodObject ? translated.extend({ role: RoleName.optional() }) : translated;
  },
};

/** Meetinity, with and without the prefix of its gateway. */
const meetinity: ReadonlyArray<Omit<Mount, "system">> = ["", "/api"].flatMap((prefix) => [
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
const rbac: ReadonlyArray<Omit<Mount, "system">> = [
  { path: "/api/register", as: `POST ${v1}/auth/register` },
  { path: "/api/login", as: `POST ${v1}/auth/login` },
  { path: "/api/refresh", as: `POST ${v1}/auth/refresh` },
  { path: "/api/logout", as: `POST ${v1}/auth/logout` },
  { path: "/api/verify-email", as: `POST ${v1}/auth/verify-email` },
  { path: "/api/reset-password", as: `POST ${v1}/auth/password-reset-request` },
  { path: "/api/reset-password/{token}", as: `POST ${v1}/auth/password-reset-confirm`, translate: passwordReset },
  { path: "/api/users", as: `GET ${v1}/admin/users` },
  { path: "/api/users/{id}", as: `PUT ${v1}/admin/users/{id}`, translate: singleRole },
  { path: "/api/users/{user_id}/activity", as: `GET ${v1}/admin/users/{user_id}/activity` },
  { path: "/api/metrics", as: `GET ${v1}/admin/metrics` },
  { path: "/apidocs", as: "GET /docs" },
];

/** The user service of the notification system. */
const notification: ReadonlyArray<Omit<Mount, "system">> = [
  { path: `${v1}/auth/password-reset`, as: `POST ${v1}/auth/password-reset-request` },
  { path: `${v1}/auth/password-reset/confirm`, as: `POST ${v1}/auth/password-reset-confirm`, translate: passwordReset },
  { path: `${v1}/users/profile`, as: `DELETE ${v1}/users/me` },
  { path: `${v1}/users/preferences`, as: `GET ${v1}/users/me/preferences` },
  { path: `${v1}/users/preferences`, as: `PATCH ${v1}/users/me/preferences` },
  { path: `${v1}/health`, as: "GET /health" },
  { path: "/swagger", as: "GET /docs" },
].map((mount) => ({ ...mount, translate: withRequestId(mount.translate ?? translate) }));

/** Canonical routes that the notification system also has, with the same method and path. */
const sharedRoutes: Readonly<Record<string, Translation>> = {
  [`POST ${v1}/users`]: withRequestId(translate),
  [`POST ${v1}/auth/verify-email`]: keyOnly,
};

/** Adds the paths of earlier systems, so that their clients only have to change the base URL. */
export function withLegacyRoutes(canonical: readonly Route[]): Route[] {
  const byName = new Map(canonical.map((route) => [`${route.method} ${route.path}`, route]));
  return [
    ...canonical.map((route) => ({ ...route, ...sharedTranslation(route) })),
    ...meetinity.map((mount) => mountRoute(byName, { ...mount, system: MEETINITY })),
    ...rbac.map((mount) => mountRoute(byName, { ...mount, system: RBAC })),
    ...notification.map((mount) => mountRoute(byName, { ...mount, system: NOTIFICATION })),
    ...profileRoutes("/users/profile", "PUT", { translate, system: MEETINITY }),
    ...profileRoutes("/api/users/profile", "PUT", { translate, system: MEETINITY }),
    ...profileRoutes(`${v1}/users/profile`, "PATCH", { translate: withRequestId(translate), system: NOTIFICATION }),
  ];
}

function sharedTranslation({ method, path }: Route): { translate?: Translation } {
  const translate = sharedRoutes[`${method} ${path}`];
  return translate ? { translate } : {};
}

function mountRoute(byName: ReadonlyMap<string, Route>, mount: Mount): Route {
  const route = byName.get(mount.as);
  if (!route) throw new Error(`${mount.path} is mounted on a route that does not exist: ${mount.as}`);
  const legacy = { system: mount.system, replacement: mount.as };
  const moved = { ...route, path: mount.path, tag: "Compatibility", legacy } as const;
  return moved.kind === "page" || moved.kind === "events"
    ? moved
    : { ...moved, translate: mount.translate ?? translate };
}

/** Earlier systems have basic and extended profile fields in one resource. */
function profileRoutes(
  path: string,
  method: "PUT" | "PATCH",
  { translate, system }: { readonly translate: Translation; readonly system: string },
): JsonRoute[] {
  const row = { path, tag: "Compatibility", translate } as const;
  const legacy = (replaced: string) => ({ system, replacement: `${replaced} ${v1}/users/me and /me/profile` });
  // biome-ignore format: one route per row
  return [
    { ...get, ...row, legacy: legacy("GET"), action: "users.wholeProfile", message: "Your profile.",
      summary: "Your account and profile in one resource" },
    { ...json, ...row, legacy: legacy(method), ...idempotent("users.updateWholeProfile"), method, message: "Profile updated.",
      summary: "Change your account and profile in one request" },
  ];
}
