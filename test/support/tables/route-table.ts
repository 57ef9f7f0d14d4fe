import { randomBytes } from "node:crypto";
import type { RequestOptions } from "../clients/api-client.ts";
import { newPerson } from "../flows/main-flow.ts";
import type { Actor, Scene } from "../flows/routes-by-role.ts";

/** What a request is made of, beside its method and token. */
export interface Sent extends Omit<RequestOptions, "token"> {
  /** For the places in the path, in their order. */
  readonly ids?: readonly string[];
}

export interface Row {
  readonly statuses: Statuses;
  readonly send: (scene: Scene, me: Actor) => Sent | Promise<Sent>;
  /** It ends or changes what the rows after it stand on: an actor of its own. */
  readonly fresh: boolean;
}

/** To nobody signed in, a user, one with premium, an administrator, the vendor. */
export type Statuses = readonly [number, number, number, number, number];

const anyone = (status: number): Statuses => [status, status, status, status, status];
const user = (status = 200): Statuses => [401, status, status, status, status];
const premium = (status = 200): Statuses => [401, 402, status, status, 402];
const admin = (status = 200): Statuses => [401, 403, 403, status, 403];
const vendor = (status = 200): Statuses => [401, 403, 403, 403, status];

const row = (statuses: Statuses, send: Row["send"] = () => ({})): Row => ({ statuses, send, fresh: false });
const fresh = (statuses: Statuses, send: Row["send"] = () => ({})): Row => ({ statuses, send, fresh: true });
const body = (content: object): Sent => ({ body: content });
const name = () => `r-${randomBytes(6).toString("hex")}`;
const newPassword = () => `${newPerson().password}-Anew`;

const register: Row["send"] = () => body({ ...newPerson(), full_name: "Ada" });
const login: Row["send"] = (_, { email, password }) => body({ email, password });
const refresh: Row["send"] = (_, { refresh: refresh_token }) => body({ refresh_token });
const avatar: Row["send"] = ({ picture }) => {
  const raw = new FormData();
  raw.append("file", new Blob([picture], { type: "image/png" }), "me.png");
  return { raw };
};
const preferences = () => body({ age_min: 20 });
const other: Row["send"] = ({ target }) => ({ ids: [target] });
const status: Row["send"] = ({ target }) => ({ ids: [target], body: { is_active: true, reason: "Cleared" } });
const rename: Row["send"] = ({ target }) => ({ ids: [target], body: { full_name: "Grace" } });
const provider = () => ({ ids: ["liar"] });
const mail: Row["send"] = (_, { email }) => body({ email });
const spent = () => body({ token: "spent" });
const newRole = async ({ admin: root }: Scene) => {
  const made = name();
  await root.post("admin/roles", { name: made, permissions: [] });
  return made;
};

const auth = {
  "POST /api/v1/auth/register": row(anyone(201), register),
  "POST /api/v1/auth/login": row(anyone(200), login),
  "POST /api/v1/auth/refresh": fresh(anyone(200), refresh),
  "POST /api/v1/auth/logout": fresh(user()),
  "POST /api/v1/auth/logout-all": fresh(user()),
  "GET /api/v1/auth/me": row(user()),
  "POST /api/v1/auth/introspect": row(vendor(), (_, { access }) => body({ token: access })),
  "POST /api/v1/auth/change-password": fresh(user(), (_, { password }) =>
    body({ current_password: password, new_password: newPassword() }),
  ),
  "POST /api/v1/auth/password-reset-request": row(anyone(202), mail),
  "POST /api/v1/auth/password-reset-confirm": row(anyone(400), () => body({ token: "x", new_password: newPassword() })),
  "POST /api/v1/auth/verify-email-request": row(anyone(202), mail),
  "POST /api/v1/auth/verify-email": row(anyone(400), spent),
  "GET /api/v1/auth/verify-email": row(anyone(200)),
  "GET /api/v1/auth/sessions": row(user()),
  "DELETE /api/v1/auth/sessions/{id}": fresh(user(), (_, { session }) => ({ ids: [session] })),
  "GET /api/v1/auth/oauth/{provider}": row(anyone(302), provider),
  "GET /api/v1/auth/oauth/{provider}/callback": row(anyone(400), provider),
  "POST /api/v1/auth/oauth/exchange": row(anyone(400), () => body({ code: "spent" })),
  "GET /api/v1/auth/identities": row(user()),
  "POST /api/v1/auth/identities/{provider}": fresh(user(), () => ({ ids: ["liar"], body: {} })),
  "DELETE /api/v1/auth/identities/{provider}": row(user(404), provider),
};

const users = {
  "POST /api/v1/users": row(anyone(201), register),
  "GET /api/v1/users/me": row(user()),
  "PUT /api/v1/users/me": row(user(), () => body({ bio: "Put" })),
  "PATCH /api/v1/users/me": row(user(), () => body({ bio: null })),
  "GET /api/v1/users/me/profile": row(user()),
  "PUT /api/v1/users/me/profile": row(user(), () => body({ headline: "Put" })),
  "PATCH /api/v1/users/me/profile": row(user(), () => body({ headline: null })),
  "GET /api/v1/users/me/preferences": row(user()),
  "PUT /api/v1/users/me/preferences": row(user(), preferences),
  "PATCH /api/v1/users/me/preferences": row(user(), preferences),
  "POST /api/v1/users/me/avatar": row(user(), avatar),
  "DELETE /api/v1/users/me/avatar": row(user()),
  "GET /api/v1/users/me/export": row(user()),
  "DELETE /api/v1/users/me": fresh(user(), (_, { password }) => body({ password })),
  "GET /api/v1/users/me/stats": row(user()),
  "GET /api/v1/users/me/activity": row(user()),
  "POST /api/v1/users/me/upgrade": fresh(user(), () => body({ plan: "gold" })),
  "POST /api/v1/users/me/downgrade": fresh(user()),
  "GET /api/v1/users/search": row(premium()),
  "GET /api/v1/users/{id}": row(premium(), other),
  "GET /api/v1/users/{id}/profile": row(premium(), other),
  "GET /api/v1/users/{id}/preferences": row(premium(), other),
};

const governance = {
  "GET /api/v1/admin/users": row(admin()),
  "GET /api/v1/admin/users/{id}": row(admin(), other),
  "PUT /api/v1/admin/users/{id}": row(admin(), rename),
  "PATCH /api/v1/admin/users/{id}": row(admin(), rename),
  "DELETE /api/v1/admin/users/{id}": row(admin(), async ({ person }) => ({ ids: [(await person()).id], body: {} })),
  "GET /api/v1/admin/users/{id}/erasure": row(admin(404), other),
  "PUT /api/v1/admin/users/{id}/status": row(admin(), status),
  "GET /api/v1/admin/users/{user_id}/activity": row(admin(), other),
  "GET /api/v1/admin/users/{user_id}/sessions": row(admin(), other),
  "DELETE /api/v1/admin/users/{user_id}/sessions": row(admin(), other),
  "GET /api/v1/admin/activity": row(admin()),
  "GET /api/v1/admin/roles": row(admin()),
  "POST /api/v1/admin/roles": row(admin(201), () => body({ name: name(), permissions: ["users:read"] })),
  "PUT /api/v1/admin/roles/{name}": row(admin(), async (scene) => ({
    ids: [await newRole(scene)],
    body: { permissions: [] },
  })),
  "DELETE /api/v1/admin/roles/{name}": fresh(admin(), async (scene) => ({ ids: [await newRole(scene)] })),
  "GET /api/v1/admin/tenants": row(vendor()),
  "POST /api/v1/admin/tenants": row(vendor(201), () =>
    body({ slug: name(), name: "Engines", admin_email: newPerson().email }),
  ),
  "GET /api/v1/admin/tenants/{id}": row(vendor(), ({ tenant }) => ({ ids: [tenant] })),
  "PATCH /api/v1/admin/tenants/{id}": row(vendor(), ({ tenant }) => ({ ids: [tenant], body: { name: "Looms" } })),
  "GET /api/v1/admin/metrics": row(vendor()),
  "GET /api/v1/admin/queues": row(vendor()),
  "GET /api/v1/admin/queues/{name}/failed": row(vendor(), () => ({ ids: ["mail"] })),
  "POST /api/v1/admin/queues/{name}/retry": row(vendor(), () => ({ ids: ["mail"], body: {} })),
  "DELETE /api/v1/admin/queues/{name}/failed/{job}": row(vendor(404), () => ({ ids: ["mail", "none"] })),
  "GET /api/v1/admin/mesh": row(vendor()),
};

const system = {
  "GET /": row(anyone(200)),
  "GET /health": row(anyone(200)),
  "GET /health/live": row(anyone(200)),
  "GET /health/ready": row(anyone(200)),
  "GET /metrics": row(anyone(200)),
  "GET /db/status": row(anyone(200)),
  "GET /.well-known/jwks.json": row(anyone(200)),
  "GET /openapi.json": row(anyone(200)),
  "GET /docs": row(anyone(200)),
  "GET /redoc": row(anyone(200)),
  "GET /reset-password": row(anyone(200)),
  "GET /avatars/{image}": row(anyone(404), () => ({ ids: ["none.webp"] })),
  "GET /assets/{file}": row(anyone(200), () => ({ ids: ["page.css"] })),
};

const own = { ...auth, ...users, ...governance, ...system };

/** What the clients of Meetinity call, with and without the prefix of its gateway. */
const meetinity = {
  "POST /auth/register": row(anyone(201), () => body({ ...newPerson(), name: "John Doe" })),
  "POST /auth/login": own["POST /api/v1/auth/login"],
  "POST /auth/refresh": own["POST /api/v1/auth/refresh"],
  "POST /auth/logout": own["POST /api/v1/auth/logout"],
  "GET /auth/oauth/{provider}": own["GET /api/v1/auth/oauth/{provider}"],
  "GET /auth/oauth/{provider}/callback": own["GET /api/v1/auth/oauth/{provider}/callback"],
  "GET /users/profile": row(user()),
  "PUT /users/profile": row(user(), () => body({ name: "John D.", job_title: "Engineer", industry: "Technology" })),
  "POST /users/profile/avatar": own["POST /api/v1/users/me/avatar"],
  "GET /users/preferences": row(user()),
  "PUT /users/preferences": row(user(), preferences),
  "GET /admin/users": own["GET /api/v1/admin/users"],
  "GET /admin/users/{id}": own["GET /api/v1/admin/users/{id}"],
  "PUT /admin/users/{id}/status": own["PUT /api/v1/admin/users/{id}/status"],
};

const prefixed = Object.entries(meetinity).map(([at, one]) => [at.replace(" /", " /api/"), one] as const);

const rbac = {
  "POST /api/register": row(anyone(201), register),
  "POST /api/login": own["POST /api/v1/auth/login"],
  "POST /api/refresh": own["POST /api/v1/auth/refresh"],
  "POST /api/logout": own["POST /api/v1/auth/logout"],
  "POST /api/verify-email": row(anyone(400), spent),
  "POST /api/reset-password": row(anyone(202), mail),
  "POST /api/reset-password/{token}": row(anyone(400), () => ({ ids: ["x"], body: { password: newPassword() } })),
  "GET /api/users": row(admin()),
  "PUT /api/users/{id}": row(admin(), rename),
  "GET /api/users/{user_id}/activity": row(admin(), other),
  "GET /api/metrics": row(vendor()),
  "GET /apidocs": row(anyone(200)),
};

const notification = {
  "POST /api/v1/auth/password-reset": row(anyone(202), mail),
  "POST /api/v1/auth/password-reset/confirm": row(anyone(400), () => body({ token: "x", password: newPassword() })),
  "GET /api/v1/users/profile": row(user()),
  "PATCH /api/v1/users/profile": row(user(), () => body({ name: "Ada", bio: "One" })),
  "DELETE /api/v1/users/profile": fresh(user()),
  "GET /api/v1/users/preferences": row(user()),
  "PATCH /api/v1/users/preferences": row(user(), () => body({ notification_email: true })),
  "GET /api/v1/health": row(anyone(200)),
  "GET /swagger": row(anyone(200)),
};

/** Every operation of the API, and how it answers each kind of caller. Written by hand: it is not what the code says of itself. */
export const routeTable: Readonly<Record<string, Row>> = {
  ...own,
  ...meetinity,
  ...Object.fromEntries(prefixed),
  ...rbac,
  ...notification,
};
