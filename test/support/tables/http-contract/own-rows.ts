import { linkToken, mailTo, newPerson, register, signIn } from "../../flows/main-flow.ts";
import { type Context, pictureForm, type Row, type Sent } from "./row.ts";

const fresh = "Fresh-Words-4711";

export function authRows({ running, actor, become, again }: Context): readonly Row[] {
  const auth = "/api/v1/auth";
  const login = () => ({ body: { email: actor.email, password: actor.password } });
  const mailed = async (pattern: RegExp) => linkToken(await mailTo(running(), actor.email, pattern));
  const anew = async () => {
    await become();
    return {};
  };
  return [
    ["nobody", `POST ${auth}/register`, 201, () => ({ body: newPerson() })],
    ["nobody", `POST ${auth}/login`, 200, login],
    ["nobody", `POST ${auth}/refresh`, 200, () => ({ body: { refresh_token: actor.refresh } })],
    ["person", `GET ${auth}/me`, 200],
    ["vendor", `POST ${auth}/introspect`, 200, () => ({ body: { token: actor.access } })],
    ["nobody", `GET ${auth}/verify-email`, 200, async () => ({ query: `?token=${await mailed(/verify-email/)}` })],
    ["nobody", `POST ${auth}/verify-email`, 200, async () => ({ body: { token: await mailed(/verify-email/) } })],
    ["nobody", `POST ${auth}/verify-email-request`, 202, () => ({ body: { email: actor.email } })],
    ["person", `GET ${auth}/sessions`, 200],
    ["person", `DELETE ${auth}/sessions/{id}`, 200, async () => ({ path: [(await signIn(running(), actor)).session] })],
    [
      "person",
      `POST ${auth}/change-password`,
      200,
      () => ({ body: { current_password: actor.password, new_password: fresh } }),
    ],
    ["nobody", `POST ${auth}/password-reset-request`, 202, () => ({ body: { email: actor.email } })],
    [
      "nobody",
      `POST ${auth}/password-reset-confirm`,
      200,
      async () => ({ body: { token: await mailed(/reset-password\?token=/), new_password: `${fresh}-1` } }),
    ],
    ["person", `POST ${auth}/logout`, 200, anew],
    [
      "person",
      `POST ${auth}/logout-all`,
      200,
      async () => {
        await again();
        return {};
      },
    ],
    // No provider is configured: that they are there and answer by their schema.
    ["nobody", `GET ${auth}/oauth/{provider}`, 404, () => ({ path: ["google"] })],
    ["nobody", `GET ${auth}/oauth/{provider}/callback`, 404, () => ({ path: ["google"] })],
    ["nobody", `POST ${auth}/oauth/exchange`, 400, () => ({ body: { code: "none" } })],
    ["person", `GET ${auth}/identities`, 200, anew],
    ["person", `POST ${auth}/identities/{provider}`, 404, () => ({ path: ["google"], body: {} })],
    ["person", `DELETE ${auth}/identities/{provider}`, 404, () => ({ path: ["google"] })],
  ];
}

export function userRows({ running, actor, again }: Context): readonly Row[] {
  const users = "/api/v1/users";
  const renewed = async (more: Sent = {}) => {
    await again();
    return more;
  };
  const other = async () => ({ path: [(await register(running())).id] });
  const headline = { body: { headline: "Engineer" } };
  const change = { body: { bio: "hello" } };
  return [
    ["nobody", `POST ${users}`, 201, () => ({ body: newPerson() })],
    ["person", `GET ${users}/me`, 200],
    ["person", `PUT ${users}/me`, 200, () => change],
    ["person", `PATCH ${users}/me`, 200, () => change],
    ["person", `GET ${users}/me/profile`, 200],
    ["person", `PUT ${users}/me/profile`, 200, () => headline],
    ["person", `PATCH ${users}/me/profile`, 200, () => headline],
    ["person", `POST ${users}/me/avatar`, 200, pictureForm],
    ["person", `DELETE ${users}/me/avatar`, 200],
    ["person", `GET ${users}/me/preferences`, 200],
    ["person", `PUT ${users}/me/preferences`, 200, () => ({ body: { remote: true } })],
    ["person", `PATCH ${users}/me/preferences`, 200, () => ({ body: { remote: null } })],
    ["person", `GET ${users}/me/stats`, 200],
    ["person", `GET ${users}/me/activity`, 200, () => ({ query: "?limit=5" })],
    ["person", `GET ${users}/me/export`, 200],
    ["person", `GET ${users}/search`, 402, () => ({ query: "?q=ada" })],
    ["person", `POST ${users}/me/upgrade`, 200, () => ({ body: {} })],
    ["person", `GET ${users}/search`, 200, () => renewed({ query: "?q=ada" })],
    ["person", `GET ${users}/{id}`, 200, other],
    ["person", `GET ${users}/{id}/profile`, 200, other],
    ["person", `GET ${users}/{id}/preferences`, 200, other],
    ["person", `POST ${users}/me/downgrade`, 200, () => ({})],
    ["person", `DELETE ${users}/me`, 200, () => renewed({ body: { password: actor.password } })],
  ];
}

export function adminRows({ running, actor }: Context): readonly Row[] {
  const admin = "/api/v1/admin";
  const slug = `t-${Date.now().toString(36)}`;
  const role = `r-${Date.now().toString(36)}`;
  const self = () => ({ path: [actor.id] });
  const tenant = async () => {
    const { body } = await running().api.get(
      "admin/tenants?limit=100",
      (await signIn(running(), running().admin)).access,
    );
    return [body.data.find((one: { slug: string }) => one.slug === slug).id];
  };
  const change = () => ({ ...self(), body: { full_name: "Ada Lovelace", is_verified: true } });
  return [
    ["vendor", `GET ${admin}/users`, 200, () => ({ query: "?page=1&limit=5&status=active&sort=-created_at" })],
    ["vendor", `GET ${admin}/users/{id}`, 200, self],
    ["vendor", `PUT ${admin}/users/{id}`, 200, change],
    ["vendor", `PATCH ${admin}/users/{id}`, 200, change],
    ["vendor", `GET ${admin}/users/{id}/activity`, 200, self],
    ["vendor", `GET ${admin}/users/{id}/sessions`, 200, self],
    ["vendor", `DELETE ${admin}/users/{id}/sessions`, 200, self],
    ["vendor", `PUT ${admin}/users/{id}/status`, 200, () => ({ ...self(), body: { is_active: false, reason: "x" } })],
    ["vendor", `DELETE ${admin}/users/{id}`, 200, () => ({ ...self(), body: {} })],
    ["vendor", `GET ${admin}/users/{id}/erasure`, 200, self],
    ["vendor", `GET ${admin}/activity`, 200, () => ({ query: "?action=user.created&from=2020-01-01T00:00:00Z" })],
    ["vendor", `GET ${admin}/roles`, 200],
    ["vendor", `GET ${admin}/tenants`, 200],
    [
      "vendor",
      `POST ${admin}/tenants`,
      201,
      () => ({ body: { slug, name: "One", admin_email: newPerson("boss").email } }),
    ],
    ["vendor", `GET ${admin}/tenants/{id}`, 200, async () => ({ path: await tenant() })],
    ["vendor", `PATCH ${admin}/tenants/{id}`, 200, async () => ({ path: await tenant(), body: { name: "Two" } })],
    ["vendor", `GET ${admin}/metrics`, 200],
    ["vendor", `GET ${admin}/queues`, 200],
    ["vendor", `GET ${admin}/queues/{name}/failed`, 200, () => ({ path: ["mail"] })],
    ["vendor", `POST ${admin}/queues/{name}/retry`, 200, () => ({ path: ["mail"], body: {} })],
    ["vendor", `DELETE ${admin}/queues/{name}/failed/{job}`, 404, () => ({ path: ["mail", "none"] })],
    ["vendor", `GET ${admin}/mesh`, 200],
    ["vendor", `POST ${admin}/roles`, 201, () => ({ body: { name: role, permissions: ["users:read"] } })],
    ["vendor", `PUT ${admin}/roles/{name}`, 200, () => ({ path: [role], body: { permissions: [] } })],
    ["vendor", `DELETE ${admin}/roles/{name}`, 200, () => ({ path: [role] })],
  ];
}

export function systemRows(): readonly Row[] {
  const pages = ["/", "/health", "/health/live", "/health/ready", "/metrics", "/db/status", "/.well-known/jwks.json"];
  const documents = ["/openapi.json", "/docs", "/redoc", "/reset-password"];
  return [...pages, ...documents].map((path): Row => ["nobody", `GET ${path as `/${string}`}`, 200]);
}
