import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import sharp from "sharp";
import { DEFAULT_TENANT_ID } from "../../../lib/actions/caller.ts";
import { routes } from "../../../services/gateway/routes.ts";
import type { JsonRoute } from "../../../services/gateway/routes.types.ts";
import { linkToken, mailTo, newPerson, register, signIn } from "../../support/flows/main-flow.ts";
import type { Installation } from "../../support/start/installation.ts";
import { startUsermesh } from "../../support/start/usermesh.ts";

/** A request that succeeds once. */
interface Case {
  readonly path: string;
  readonly body?: object;
  readonly raw?: () => FormData;
  readonly token?: string | undefined;
  /** The token for the repeated request, if the first one has ended its session. */
  tokenAfter?(): Promise<string | undefined>;
  /** It cannot be repeated, because the caller is signed out and disabled. */
  readonly endsOwnAccess?: true;
  /** A different body for the same route. */
  readonly other?: object;
}

let usermesh: Installation;
beforeAll(async () => {
  usermesh = await startUsermesh({ OAUTH_GOOGLE_CLIENT_ID: "test" });
});
afterAll(() => usermesh?.stop());

const registration = () => ({ body: newPerson(), other: newPerson() });

async function signedIn(change: Omit<Case, "path" | "token"> = {}) {
  const account = await register(usermesh);
  const { access, refresh } = await signIn(usermesh, account);
  return { account, refresh, token: access, ...change };
}

/** A request by the administrator about a signed-in user. */
async function administrating(
  about: (id: string, token: string) => Omit<Case, "token"> | Promise<Omit<Case, "token">>,
) {
  const { account } = await signedIn();
  const token = await adminToken();
  return { ...(await about(account.id, token)), token };
}

const adminToken = async () => (await signIn(usermesh, usermesh.admin)).access;

async function newRole(token: string): Promise<string> {
  const name = `role-${randomUUID().slice(0, 8)}`;
  const { status } = await usermesh.api.post("admin/roles", { name, permissions: [] }, token);
  expect(status).toBe(201);
  return `admin/roles/${name}`;
}

const newTenant = () => {
  const slug = `tenant-${randomUUID().slice(0, 8)}`;
  return { slug, name: slug, admin_email: newPerson().email };
};

/** The first request makes the token stale. */
async function changesTier(change: Pick<Case, "body" | "other">) {
  const { account, token } = await signedIn();
  return { ...change, token, tokenAfter: async () => (await signIn(usermesh, account)).access };
}

async function mailed(pattern: RegExp) {
  const account = await register(usermesh);
  if (pattern.source.includes("reset"))
    await usermesh.api.post("auth/password-reset-request", { email: account.email });
  return linkToken(await mailTo(usermesh, account.email, pattern));
}

const fresh = "Fresh-horse-8-staple";

const cases: Readonly<Record<string, () => Promise<Omit<Case, "path"> & { readonly path?: string }>>> = {
  "POST /api/v1/auth/register": async () => registration(),
  "POST /api/v1/users": async () => registration(),
  "POST /api/v1/auth/logout": async () => {
    const body = { refresh_token: (await signedIn()).refresh };
    return { body, other: { refresh_token: (await signedIn()).refresh } };
  },
  "POST /api/v1/auth/logout-all": async () => {
    const { account, token } = await signedIn();
    return { token, tokenAfter: async () => (await signIn(usermesh, account)).access };
  },
  "POST /api/v1/auth/change-password": async () => {
    const { account, token } = await signedIn();
    const body = { current_password: account.password, new_password: fresh };
    return { token, body, other: { ...body, new_password: `${fresh}-2` } };
  },
  "POST /api/v1/auth/password-reset-request": async () => ({
    body: { email: (await register(usermesh)).email },
    other: { email: newPerson().email },
  }),
  "POST /api/v1/auth/password-reset-confirm": async () => {
    const body = { token: await mailed(/reset-password\?token=/), new_password: fresh };
    return { body, other: { ...body, new_password: `${fresh}-2` } };
  },
  "POST /api/v1/auth/verify-email-request": async () => ({
    body: { email: (await register(usermesh)).email },
    other: { email: newPerson().email },
  }),
  "POST /api/v1/auth/verify-email": async () => ({
    body: { token: await mailed(/verify-email\?token=/) },
    other: { token: await mailed(/verify-email\?token=/) },
  }),
  "DELETE /api/v1/auth/sessions/{id}": async () => {
    const { account, token } = await signedIn();
    const { session } = await signIn(usermesh, account);
    return { token, path: `auth/sessions/${session}` };
  },
  "PUT /api/v1/users/me": () => signedIn({ body: { bio: "one" }, other: { bio: "other" } }),
  "PATCH /api/v1/users/me": () => signedIn({ body: { bio: "one" }, other: { bio: "other" } }),
  "PUT /api/v1/users/me/profile": () => signedIn({ body: { headline: "one" }, other: { headline: "other" } }),
  "PATCH /api/v1/users/me/profile": () => signedIn({ body: { headline: "one" }, other: { headline: "other" } }),
  "PUT /api/v1/users/me/preferences": () => signedIn({ body: { age_min: 20 }, other: { age_min: 21 } }),
  "PATCH /api/v1/users/me/preferences": () => signedIn({ body: { age_min: 20 }, other: { age_min: 21 } }),
  "POST /api/v1/users/me/avatar": async () => {
    const square = await sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } })
      .png()
      .toBuffer();
    const raw = () => {
      const form = new FormData();
      form.set("file", new Blob([new Uint8Array(square)], { type: "image/png" }), "square.png");
      return form;
    };
    return signedIn({ raw });
  },
  "DELETE /api/v1/users/me/avatar": () => signedIn(),
  "DELETE /api/v1/users/me": async () => {
    const { account, token } = await signedIn();
    return { token, body: { password: account.password }, endsOwnAccess: true };
  },
  "POST /api/v1/users/me/upgrade": () => changesTier({ body: { plan: "gold" }, other: { plan: "silver" } }),
  "POST /api/v1/users/me/downgrade": () => changesTier({}),
  "DELETE /api/v1/auth/identities/{provider}": async () => {
    const { account, token } = await signedIn();
    await usermesh.database.query(
      "INSERT INTO auth.identities (tenant_id, issuer, sub, user_id) VALUES ($1, 'https://accounts.google.com', 'sub', $2)",
      [DEFAULT_TENANT_ID, account.id],
    );
    return { token, path: "auth/identities/google" };
  },
  "DELETE /api/v1/admin/users/{id}": () =>
    administrating((id) => ({ path: `admin/users/${id}`, body: {}, other: { erase: true } })),
  "PUT /api/v1/admin/users/{id}": () =>
    administrating((id) => ({ path: `admin/users/${id}`, body: { full_name: "One" }, other: { full_name: "Other" } })),
  "PATCH /api/v1/admin/users/{id}": () =>
    administrating((id) => ({ path: `admin/users/${id}`, body: { full_name: "One" }, other: { full_name: "Other" } })),
  "DELETE /api/v1/admin/users/{user_id}/sessions": () =>
    administrating((id) => ({ path: `admin/users/${id}/sessions` })),
  "POST /api/v1/admin/roles": () =>
    administrating(() => ({
      path: "admin/roles",
      body: { name: `role-${randomUUID().slice(0, 8)}`, permissions: [] },
      other: { name: "other-role", permissions: [] },
    })),
  "PUT /api/v1/admin/roles/{name}": () =>
    administrating(async (_, token) => ({
      path: await newRole(token),
      body: { permissions: ["users:read"] },
      other: { permissions: [] },
      tokenAfter: adminToken,
    })),
  "DELETE /api/v1/admin/roles/{name}": () =>
    administrating(async (_, token) => ({ path: await newRole(token), tokenAfter: adminToken })),
  "POST /api/v1/admin/tenants": () =>
    administrating(() => ({ path: "admin/tenants", body: newTenant(), other: newTenant() })),
  "PATCH /api/v1/admin/tenants/{id}": () =>
    administrating(async (_, token) => {
      const { body } = await usermesh.api.post("admin/tenants", newTenant(), token);
      return { path: `admin/tenants/${body.data.id}`, body: { name: "One" }, other: { name: "Other" } };
    }),
  "PUT /api/v1/admin/users/{id}/status": async () => {
    const { id } = await register(usermesh);
    const { access: token } = await signIn(usermesh, usermesh.admin);
    const body = { is_active: false, reason: "one" };
    return { token, path: `admin/users/${id}/status`, body, other: { ...body, reason: "other" } };
  },
};

/** Without the paths of earlier systems, which are served by the same routes. */
const idempotentRoutes = routes.filter(
  (route): route is JsonRoute =>
    route.kind === "json" && route.idempotentAction !== undefined && route.tag !== "Compatibility",
);
const nameOf = ({ method, path }: JsonRoute) => `${method} ${path}`;

describe("a repeated request with the same Idempotency-Key gets the stored response", () => {
  test.each(idempotentRoutes.map((route) => [nameOf(route), route] as const))("%s", async (name, route) => {
    const headers = { "idempotency-key": randomUUID() };
    const made = await cases[name]?.();
    if (!made) throw new Error(`Add a valid request to ${name} above`);
    const { path = route.path, body, raw, token, tokenAfter, endsOwnAccess, other }: Partial<Case> = made;
    const sent = () => ({ ...(body && { body }), ...(raw && { raw: raw() }), headers });
    const first = await usermesh.api.request(route.method, path, { ...sent(), token });
    expect([first.status, first.headers.get("idempotency-replayed")]).toEqual([route.status, null]);
    const later = tokenAfter ? await tokenAfter() : token;
    const again = await usermesh.api.request(route.method, path, { ...sent(), token: later });
    if (endsOwnAccess) return expect(again).toBeProblem(401, "session_ended");
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([route.status, "true"]);
    expect(again.body).toEqual(first.body);
    if (other === undefined) return;
    const reused = await usermesh.api.request(route.method, path, { body: other, token: later, headers });
    expect(reused).toBeProblem(422, "idempotency_key_reused");
  });
});
