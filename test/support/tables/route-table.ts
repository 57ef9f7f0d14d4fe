import { randomBytes } from "node:crypto";
import type { RequestOptions } from "../clients/api-client.ts";
import { bytesOf, form, picture } from "../data/avatar-uploads.ts";
import { linkToken, mailTo, newPerson, register as registerPerson } from "../flows/main-flow.ts";
import type { Actor, Scene } from "../flows/routes-by-role.ts";

/** What a request consists of, besides its method and token. */
export interface Sent extends Omit<RequestOptions, "token"> {
  /** For the parameters in the path, in their order. */
  readonly ids?: readonly string[];
  readonly query?: string;
}

export interface Row {
  readonly statuses: Statuses;
  readonly send: (scene: Scene, me: Actor) => Sent | Promise<Sent>;
  /** True for a request that ends or changes what later rows rely on: it gets an actor of its own. */
  readonly fresh: boolean;
}

/** Of the answers to an anonymous client, a user, a premium user, an administrator and the vendor. */
export type Statuses = readonly [number, number, number, number, number];

const everyone = (status: number): Statuses => [status, status, status, status, status];
const user = (status = 200): Statuses => [401, status, status, status, status];
const premium = (status = 200): Statuses => [401, 402, status, status, 402];
const admin = (status = 200): Statuses => [401, 403, 403, status, 403];
const vendor = (status = 200): Statuses => [401, 403, 403, 403, status];

const row = (statuses: Statuses, send: Row["send"] = () => ({})): Row => ({ statuses, send, fresh: false });
const fresh = (statuses: Statuses, send: Row["send"] = () => ({})): Row => ({ statuses, send, fresh: true });
const body = (content: object): Sent => ({ body: content });
const query = (text: string) => (): Sent => ({ query: text });
const name = () => `r-${randomBytes(6).toString("hex")}`;
const newPassword = () => `${newPerson().password}-Again`;

const register: Row["send"] = () => body({ ...newPerson(), full_name: "Ada" });
const registerNamed: Row["send"] = () => body({ ...newPerson(), name: "Ada Lovelace" });
const login: Row["send"] = (_, { email, password }) => body({ email, password });
const refresh: Row["send"] = (_, { refresh: refresh_token }) => body({ refresh_token });
const avatar: Row["send"] = async () => ({ raw: form(await bytesOf(picture(8, 8).png())) });
const preferences = () => body({ age_min: 25, age_max: 45 });
const profile = () => body({ name: "John D.", job_title: "Engineer", industry: "Technology" });
const target: Row["send"] = (scene) => ({ ids: [scene.target] });
const status: Row["send"] = (scene) => ({ ids: [scene.target], body: { is_active: true, reason: "Cleared" } });
const disable: Row["send"] = async (scene) => ({ ...(await someone(scene)), body: { is_active: false, reason: "x" } });
const change: Row["send"] = (scene) => ({ ids: [scene.target], body: { full_name: "Grace", is_verified: true } });
const rename: Row["send"] = (scene) => ({ ids: [scene.target], body: { name: "Grace" } });
const someone = async ({ running }: Scene) => ({ ids: [(await registerPerson(running)).id] });
const erased: Row["send"] = async (scene) => {
  const { ids } = await someone(scene);
  await scene.running.api.request("DELETE", `admin/users/${ids[0]}`, { body: {}, token: await scene.rootToken() });
  return { ids };
};
const configured = () => ({ ids: ["liar"] });
const unknownProvider = () => ({ ids: ["google"] });
const mail: Row["send"] = (_, { email }) => body({ email });
const spent = () => body({ token: "spent" });
const verifyToken = async ({ running }: Scene, { email }: Actor) =>
  linkToken(await mailTo(running, email, /verify-email/));
const verify: Row["send"] = async (scene, me) => body({ token: await verifyToken(scene, me), password: me.password });
const resetToken = async ({ running }: Scene, { email }: Actor) => {
  await running.api.post("auth/password-reset-request", { email });
  return linkToken(await mailTo(running, email, /reset-password/));
};
const reset: Row["send"] = async (scene, me) =>
  body({ token: await resetToken(scene, me), new_password: newPassword() });
const newRole = async ({ running, rootToken }: Scene) => {
  const made = name();
  await running.api.post("admin/roles", { name: made, permissions: [] }, await rootToken());
  return made;
};

const newTenant = async ({ running, rootToken }: Scene) => {
  const sent = { slug: name(), name: "Looms", admin_email: newPerson().email };
  return (await running.api.post("admin/tenants", sent, await rootToken())).body.data.id;
};

/** No connection is made to it: it resolves to nothing (RFC 6761). */
const RECEIVER = "https://receiver.invalid/hooks";
/** Uses an existing webhook of the tenant, because a tenant may have only twenty. */
const webhook = async ({ running, rootToken }: Scene) => {
  const token = await rootToken();
  const { body: known } = await running.api.get("admin/webhooks", token);
  if (known.data.length > 0) return { ids: [known.data[0].id as string] };
  return { ids: [(await running.api.post("admin/webhooks", { url: RECEIVER }, token)).body.data.id as string] };
};

const auth = {
  "POST /api/v1/auth/register": row(everyone(201), register),
  "POST /api/v1/auth/login": row(everyone(200), login),
  "POST /api/v1/auth/restore-account": row(everyone(200), login),
  "POST /api/v1/auth/refresh": fresh(everyone(200), refresh),
  "POST /api/v1/auth/logout": fresh(user()),
  "POST /api/v1/auth/logout-all": fresh(user()),
  "GET /api/v1/auth/me": row(user()),
  "POST /api/v1/auth/introspect": row(vendor(), (_, { access }) => body({ token: access })),
  "POST /api/v1/auth/change-password": fresh(user(), (_, { password }) =>
    body({ current_password: password, new_password: newPassword() }),
  ),
  "POST /api/v1/auth/password-reset-request": row(everyone(202), mail),
  "POST /api/v1/auth/password-reset-confirm": [
    fresh(everyone(200), reset),
    row(everyone(400), () => body({ token: "x", new_password: newPassword() })),
  ],
  "POST /api/v1/auth/verify-email-request": row(everyone(202), mail),
  "POST /api/v1/auth/verify-email": [fresh(everyone(200), verify), row(everyone(400), spent)],
  "GET /api/v1/auth/verify-email": [
    row(everyone(200)),
    fresh(everyone(200), async (scene, me) => ({ query: `?token=${await verifyToken(scene, me)}` })),
  ],
  "GET /api/v1/auth/sessions": row(user()),
  "DELETE /api/v1/auth/sessions/{id}": fresh(user(), (_, { session }) => ({ ids: [session] })),
  "GET /api/v1/auth/oauth/{provider}": [row(everyone(302), configured), row(everyone(404), unknownProvider)],
  "GET /api/v1/auth/oauth/{provider}/callback": [row(everyone(400), configured), row(everyone(404), unknownProvider)],
  "POST /api/v1/auth/oauth/{provider}/callback": [
    row(everyone(303), () => ({ ...configured(), body: {} })),
    row(everyone(404), () => ({ ...unknownProvider(), body: {} })),
  ],
  "POST /api/v1/auth/oauth/exchange": row(everyone(400), () => body({ code: "spent" })),
  "GET /api/v1/auth/identities": row(user()),
  "POST /api/v1/auth/identities/{provider}": [
    fresh(user(), () => ({ ...configured(), body: {} })),
    row(user(404), () => ({ ...unknownProvider(), body: {} })),
  ],
  "DELETE /api/v1/auth/identities/{provider}": [row(user(404), configured), row(user(404), unknownProvider)],
};

const users = {
  "POST /api/v1/users": row(everyone(201), registerNamed),
  "GET /api/v1/users/me": row(user()),
  "PUT /api/v1/users/me": row(user(), () => body({ bio: "Put" })),
  "PATCH /api/v1/users/me": row(user(), () => body({ bio: null })),
  "GET /api/v1/users/me/profile": row(user()),
  "PUT /api/v1/users/me/profile": row(user(), () => body({ headline: "Put" })),
  "PATCH /api/v1/users/me/profile": row(user(), () => body({ headline: null })),
  "GET /api/v1/users/me/preferences": row(user()),
  "PUT /api/v1/users/me/preferences": row(user(), () => body({ age_min: 20, remote: true })),
  "PATCH /api/v1/users/me/preferences": row(user(), () => body({ remote: null })),
  "POST /api/v1/users/me/avatar": row(user(), avatar),
  "DELETE /api/v1/users/me/avatar": row(user()),
  "GET /api/v1/users/me/export": row(user()),
  "GET /api/v1/users/me/events": row(user()),
  "DELETE /api/v1/users/me": fresh(user(), (_, { password }) => body({ password })),
  "GET /api/v1/users/me/stats": row(user()),
  "GET /api/v1/users/me/activity": row(user(), query("?limit=5")),
  "POST /api/v1/users/me/upgrade": fresh(user(), () => body({ plan: "gold" })),
  "POST /api/v1/users/me/downgrade": fresh(user()),
  "GET /api/v1/users/search": row(premium(), query("?q=ada")),
  "GET /api/v1/users/{id}": row(premium(), target),
  "GET /api/v1/users/{id}/profile": row(premium(), target),
  "GET /api/v1/users/{id}/preferences": row(premium(), target),
};

const governance = {
  "GET /api/v1/admin/users": row(admin(), query("?page=1&limit=5&status=active&sort=-created_at")),
  "POST /api/v1/admin/users": row(admin(201), () => body({ email: newPerson().email, send_invitation: false })),
  "POST /api/v1/admin/users/{id}/links": row(admin(202), async (scene) => ({
    ...(await someone(scene)),
    body: { kind: "password_reset" },
  })),
  "GET /api/v1/admin/users/{id}": row(admin(), target),
  "PUT /api/v1/admin/users/{id}": row(admin(), change),
  "PATCH /api/v1/admin/users/{id}": row(admin(), change),
  "DELETE /api/v1/admin/users/{id}": row(admin(), async (scene) => ({ ...(await someone(scene)), body: {} })),
  "GET /api/v1/admin/users/{id}/erasure": [row(admin(404), target), row(admin(), erased)],
  "PUT /api/v1/admin/users/{id}/status": [row(admin(), status), row(admin(), disable)],
  "GET /api/v1/admin/users/{user_id}/activity": row(admin(), target),
  "GET /api/v1/admin/users/{user_id}/sessions": row(admin(), target),
  "DELETE /api/v1/admin/users/{user_id}/sessions": row(admin(), target),
  "GET /api/v1/admin/activity": [row(admin()), row(admin(), query("?action=user.created&from=2020-01-01T00:00:00Z"))],
  "POST /api/v1/admin/invitations": row(admin(201), () => body({ email: newPerson().email, roles: ["admin"] })),
  "GET /api/v1/admin/roles": row(admin()),
  "POST /api/v1/admin/roles": row(admin(201), () => body({ name: name(), permissions: ["users:read"] })),
  "PUT /api/v1/admin/roles/{name}": row(admin(), async (scene) => ({
    ids: [await newRole(scene)],
    body: { permissions: [] },
  })),
  "PATCH /api/v1/admin/roles/{name}": fresh(admin(), async (scene) => ({
    ids: [await newRole(scene)],
    body: { new_name: name() },
  })),
  "DELETE /api/v1/admin/roles/{name}": fresh(admin(), async (scene) => ({ ids: [await newRole(scene)] })),
  "GET /api/v1/admin/tenants": row(vendor()),
  "POST /api/v1/admin/tenants": row(vendor(201), () =>
    body({ slug: name(), name: "Engines", admin_email: newPerson().email }),
  ),
  "GET /api/v1/admin/tenants/{id}": row(vendor(), ({ tenant }) => ({ ids: [tenant] })),
  "PATCH /api/v1/admin/tenants/{id}": row(vendor(), ({ tenant }) => ({ ids: [tenant], body: { name: "Looms" } })),
  "POST /api/v1/admin/tenants/{id}/logo": row(vendor(), async ({ tenant }) => ({
    ids: [tenant],
    raw: form(await bytesOf(picture(8, 8).png())),
  })),
  "DELETE /api/v1/admin/tenants/{id}": row(vendor(), async (scene) => ({ ids: [await newTenant(scene)], body: {} })),
  "GET /api/v1/admin/metrics": row(vendor()),
  "GET /api/v1/admin/queues": row(vendor()),
  "GET /api/v1/admin/queues/{name}/failed": row(vendor(), () => ({ ids: ["mail"] })),
  "POST /api/v1/admin/queues/{name}/retry": row(vendor(), () => ({ ids: ["mail"], body: {} })),
  "DELETE /api/v1/admin/queues/{name}/failed/{job}": row(vendor(404), () => ({ ids: ["mail", "none"] })),
  "GET /api/v1/admin/erasures": [row(admin()), row(admin(), query("?state=completed&limit=5"))],
  "GET /api/v1/admin/statistics": row(admin()),
  "GET /api/v1/admin/webhooks": row(admin()),
  "POST /api/v1/admin/webhooks": fresh(admin(201), () => body({ url: RECEIVER })),
  "GET /api/v1/admin/webhooks/{id}": row(admin(), webhook),
  "PATCH /api/v1/admin/webhooks/{id}": row(admin(), async (scene) => ({
    ...(await webhook(scene)),
    body: { description: "x" },
  })),
  "DELETE /api/v1/admin/webhooks/{id}": row(admin(), webhook),
  "POST /api/v1/admin/webhooks/{id}/rotate-secret": row(admin(), webhook),
  "POST /api/v1/admin/webhooks/{id}/test": row(admin(202), webhook),
  "GET /api/v1/admin/webhooks/{id}/deliveries": row(admin(), webhook),
  "POST /api/v1/admin/webhooks/{id}/deliveries/{delivery_id}/redeliver": row(admin(202), async (scene) => {
    const { ids } = await webhook(scene);
    const tested = await scene.running.api.post(`admin/webhooks/${ids[0]}/test`, undefined, await scene.rootToken());
    return { ids: [...ids, tested.body.data.id] };
  }),
  "GET /api/v1/admin/keys": row(vendor()),
  "POST /api/v1/admin/keys/rotate": row(vendor()),
  "GET /api/v1/admin/mesh/traffic": row(vendor()),
  "GET /api/v1/admin/requests": row(vendor()),
  "GET /api/v1/admin/requests/{correlation_id}": row(vendor(), () => ({ ids: ["none"] })),
  "GET /api/v1/admin/mesh": row(vendor()),
};

const system = {
  "GET /": row(everyone(200)),
  "GET /health": row(everyone(200)),
  "GET /health/live": row(everyone(200)),
  "GET /health/ready": row(everyone(200)),
  "GET /metrics": row(everyone(200)),
  "GET /db/status": row(everyone(200)),
  "GET /.well-known/jwks.json": row(everyone(200)),
  "GET /.well-known/openid-configuration": row(everyone(200)),
  "GET /.well-known/oauth-authorization-server": row(everyone(200)),
  "GET /api/v1": row(everyone(200)),
  "GET /openapi.json": row(everyone(200)),
  "GET /openapi-compatibility.json": row(everyone(200)),
  "GET /docs": row(everyone(200)),
  "GET /redoc": row(everyone(200)),
  "GET /reset-password": row(everyone(200)),
  "GET /avatars/{image}": row(everyone(404), () => ({ ids: ["none.webp"] })),
  "GET /brand/{logo}": row(everyone(404), () => ({ ids: ["default-0123456789abcdef.png"] })),
  "GET /brand/colors/{color}": row(everyone(200), () => ({ ids: ["0d7a6b.css"] })),
  "GET /assets/{file}": row(everyone(404), () => ({ ids: ["none-0123456789ab.js"] })),
  "GET /favicon.svg": row(everyone(200)),
  "GET /favicon.ico": row(everyone(200)),
  "GET /.well-known/change-password": row(everyone(302)),
  "GET /login": row(everyone(200)),
  "GET /account": row(everyone(200)),
  "GET /account/{section}": row(everyone(200), () => ({ ids: ["security"] })),
  "GET /admin": row(everyone(200)),
  "GET /admin/{section}": row(everyone(200), () => ({ ids: ["accounts"] })),
  "GET /admin/accounts/{id}": row(everyone(200), target),
  "GET /admin/tenants/{id}": row(everyone(200), ({ tenant }) => ({ ids: [tenant] })),
  "GET /admin/webhooks/{id}": row(everyone(200), target),
  "GET /mesh": row(everyone(200)),
  "GET /register": row(everyone(200)),
  "GET /forgot-password": row(everyone(200)),
};

const own = { ...auth, ...users, ...governance, ...system };

/** What the clients of Meetinity call, with and without the prefix of its gateway. */
const meetinity = {
  "POST /auth/register": row(everyone(201), registerNamed),
  "POST /auth/login": own["POST /api/v1/auth/login"],
  "POST /auth/refresh": own["POST /api/v1/auth/refresh"],
  "POST /auth/logout": own["POST /api/v1/auth/logout"],
  "GET /auth/oauth/{provider}": own["GET /api/v1/auth/oauth/{provider}"],
  "GET /auth/oauth/{provider}/callback": own["GET /api/v1/auth/oauth/{provider}/callback"],
  "GET /users/profile": row(user()),
  "PUT /users/profile": row(user(), profile),
  "POST /users/profile/avatar": own["POST /api/v1/users/me/avatar"],
  "GET /users/preferences": row(user()),
  "PUT /users/preferences": row(user(), preferences),
  "GET /admin/users": row(admin(), query("?page=1&limit=20&search=ada")),
  "GET /admin/users/{id}": own["GET /api/v1/admin/users/{id}"],
  "PUT /admin/users/{id}/status": row(admin(), disable),
};

const prefixed = Object.entries(meetinity).map(([at, rows]) => [at.replace(" /", " /api/"), rows] as const);

const rbac = {
  "POST /api/register": row(everyone(201), registerNamed),
  "POST /api/login": own["POST /api/v1/auth/login"],
  "POST /api/refresh": own["POST /api/v1/auth/refresh"],
  "POST /api/logout": own["POST /api/v1/auth/logout"],
  "POST /api/verify-email": own["POST /api/v1/auth/verify-email"],
  "POST /api/reset-password": row(everyone(202), mail),
  "POST /api/reset-password/{token}": [
    fresh(everyone(200), async (scene, me) => ({
      ids: [await resetToken(scene, me)],
      body: { password: newPassword() },
    })),
    row(everyone(400), () => ({ ids: ["x"], body: { password: newPassword() } })),
  ],
  "GET /api/users": row(admin()),
  "PUT /api/users/{id}": row(admin(), rename),
  "GET /api/users/{user_id}/activity": row(admin(), target),
  "GET /api/metrics": row(vendor()),
  "GET /apidocs": row(everyone(200)),
};

const notification = {
  "POST /api/v1/auth/password-reset": row(everyone(202), mail),
  "POST /api/v1/auth/password-reset/confirm": [
    fresh(everyone(200), reset),
    row(everyone(400), () => body({ token: "x", password: newPassword() })),
  ],
  "GET /api/v1/users/profile": row(user()),
  "PATCH /api/v1/users/profile": row(user(), () => body({ name: "Ada", push_token: "token" })),
  "DELETE /api/v1/users/profile": fresh(user()),
  "GET /api/v1/users/preferences": row(user()),
  "PATCH /api/v1/users/preferences": row(user(), () => body({ notification_email: false, notification_push: true })),
  "GET /api/v1/health": row(everyone(200)),
  "GET /swagger": row(everyone(200)),
};

/** Every operation of the API, and how it answers each kind of caller. Written by hand, independently of the code's own table. */
export const routeTable: Readonly<Record<string, Row | readonly Row[]>> = {
  ...own,
  ...meetinity,
  ...Object.fromEntries(prefixed),
  ...rbac,
  ...notification,
};
