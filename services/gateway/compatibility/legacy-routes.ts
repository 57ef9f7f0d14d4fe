import type { ActionName } from "../../../lib/actions/typed-call.ts";
import type { ApiRoute, Route } from "../routes.ts";

/** What clients of earlier systems call the same fields. Answers hold both names; bodies may use either. */
const names: Readonly<Record<string, string>> = {
  name: "full_name",
  job_title: "current_title",
  profile_picture_url: "avatar_url",
  last_login: "last_login_at",
};
const namesByOurs = new Map(Object.entries(names).map(([theirs, ours]) => [ours, theirs]));

type Seed = NonNullable<ApiRoute["seed"]>;

interface Mount {
  readonly path: string;
  /** Method and path of ours that answers there. One that is not in the table is not mounted. */
  readonly as: string;
  /** Fields of the body that are called otherwise there alone. */
  readonly renamed?: Readonly<Record<string, string>>;
  readonly requestIdIsKey?: boolean;
}

const v1 = "/api/v1";

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
  {
    path: "/api/reset-password/{token}",
    as: `POST ${v1}/auth/password-reset-confirm`,
    renamed: { password: "new_password" },
  },
  { path: "/api/users", as: `GET ${v1}/admin/users` },
  { path: "/api/users/{id}", as: `PUT ${v1}/admin/users/{id}` },
  { path: "/api/users/{user_id}/activity", as: `GET ${v1}/admin/users/{user_id}/activity` },
  { path: "/api/metrics", as: `GET ${v1}/admin/metrics` },
  { path: "/apidocs", as: "GET /docs" },
];

/** The user service of the notification system. */
const ofNotification: readonly Mount[] = [
  { path: `${v1}/auth/password-reset`, as: `POST ${v1}/auth/password-reset-request` },
  {
    path: `${v1}/auth/password-reset/confirm`,
    as: `POST ${v1}/auth/password-reset-confirm`,
    renamed: { password: "new_password" },
  },
  { path: `${v1}/users/profile`, as: `DELETE ${v1}/users/me` },
  { path: `${v1}/users/preferences`, as: `GET ${v1}/users/me/preferences` },
  { path: `${v1}/users/preferences`, as: `PATCH ${v1}/users/me/preferences` },
  { path: `${v1}/health`, as: "GET /health" },
  { path: "/swagger", as: "GET /docs" },
];

const notification = ofNotification.map((one): Mount => ({ ...one, requestIdIsKey: true }));

/** Basic and extended fields in one resource. */
function profileAt(path: string, method: "PUT" | "PATCH", requestIdIsKey: boolean): ApiRoute[] {
  const row = { kind: "api", auth: "user", path, status: 200, rateLimit: "default", tag: "Compatibility" } as const;
  const change: ActionName = "users.updateWholeProfile";
  const seed = { renamed: {}, requestIdIsKey };
  return [
    {
      ...row,
      method: "GET",
      action: "users.wholeProfile",
      input: "none",
      message: "Your profile.",
      seed,
      summary: "Your account and profile in one resource",
    },
    {
      ...row,
      method,
      action: change,
      input: "body",
      message: "Profile updated.",
      idempotentAction: change,
      seed,
      summary: "Change your account and profile in one request",
    },
  ];
}

/** The paths of earlier systems, so that their clients move over by changing the base URL. */
export function compatibilityRoutes(ours: readonly Route[]): Route[] {
  const byName = new Map(ours.map((route) => [`${route.method} ${route.path}`, route]));
  const mounted = [...meetinity, ...rbac, ...notification].flatMap((mount) => {
    const route = byName.get(mount.as);
    return route ? [mountedRoute(route, mount)] : [];
  });
  return [
    ...mounted,
    ...profileAt("/users/profile", "PUT", false),
    ...profileAt("/api/users/profile", "PUT", false),
    ...profileAt(`${v1}/users/profile`, "PATCH", true),
  ];
}

function mountedRoute(route: Route, { path, renamed = {}, requestIdIsKey = false }: Mount): Route {
  const moved = { ...route, path, tag: "Compatibility", summary: `${route.summary} (as \`${route.path}\`)` } as const;
  return moved.kind === "api" ? { ...moved, seed: { renamed, requestIdIsKey } } : moved;
}

/** A body as our own paths take it. A field that comes under both names is left for the contract to refuse. */
export function toCanonical(
  body: Readonly<Record<string, unknown>>,
  { renamed }: Pick<Seed, "renamed">,
): Readonly<Record<string, unknown>> {
  const known = legacyAliases({ renamed });
  const entries = Object.entries(body).map(([name, value]) => {
    const ours = Object.hasOwn(known, name) ? known[name] : undefined;
    return [ours !== undefined && !Object.hasOwn(body, ours) ? ours : name, value];
  });
  return Object.fromEntries(entries);
}

/** Their names of fields, and ours. */
export function legacyAliases({ renamed }: Pick<Seed, "renamed">): Readonly<Record<string, string>> {
  return { ...names, ...renamed };
}

/** An answer with the fields of earlier systems beside ours. */
export function withLegacyAliases(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withLegacyAliases);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).flatMap(([name, member]) => {
    const theirs = namesByOurs.get(name);
    const own: [string, unknown] = [name, withLegacyAliases(member)];
    return theirs === undefined ? [own] : [own, [theirs, member] as [string, unknown]];
  });
  return Object.fromEntries(entries);
}

/** Their name of one of our fields, for the OpenAPI document. */
export function legacyNameOf(ours: string): string | undefined {
  return namesByOurs.get(ours);
}
