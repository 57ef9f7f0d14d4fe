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

async function newWebhook(token: string): Promise<string> {
  const { status, body } = await usermesh.api.post("admin/webhooks", { url: "https://receiver.invalid/" }, token);
  expect(status).toBe(201);
  return `admin/webhooks/${body.data.id}`;
}

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

/** A new form for each request, with the same picture. */
async function squareForm(): Promise<() => FormData> {
  const square = await sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  return () => {
    const form = new FormData();
    form.set("file", new Blob([new Uint8Array(square)], { type: "image/png" }), "square.png");
    return form;
  };
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
    const body = { token: await mailed(/reset-password/), new_password: fresh };
    return { body, other: { ...body, new_password: `${fresh}-2` } };
  },
  "POST /api/v1/auth/verify-email-request": async () => ({
    body: { email: (await register(usermesh)).email },
    other: { email: newPerson().email },
  }),
  "POST /api/v1/auth/verify-email": async () => ({
    body: { token: await mailed(/verify-email/), new_password: fresh },
    other: { token: await mailed(/verify-email/), new_password: fresh },
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
  "POST /api/v1/users/me/avatar": async () => signedIn({ raw: await squareForm() }),
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
  "PATCH /api/v1/admin/roles/{name}": () =>
    administrating(async (_, token) => ({
      path: await newRole(token),
      body: { new_name: `role-${randomUUID().slice(0, 8)}` },
      other: { new_name: "other-role" },
      tokenAfter: adminToken,
    })),
  "DELETE /api/v1/admin/roles/{name}": () =>
    administrating(async (_, token) => ({ path: await newRole(token), tokenAfter: adminToken })),
  "POST /api/v1/admin/users": () =>
    administrating(() => ({
      path: "admin/users",
      body: { email: newPerson().email },
      other: { email: newPerson().email },
    })),
  "POST /api/v1/admin/users/{id}/links": () =>
    administrating((id) => ({
      path: `admin/users/${id}/links`,
      body: { kind: "password_reset" },
      other: { kind: "email_verification" },
    })),
  "DELETE /api/v1/admin/tenants/{id}": () =>
    administrating(async (_, token) => {
      const { body } = await usermesh.api.post("admin/tenants", newTenant(), token);
      return { path: `admin/tenants/${body.data.id}`, body: {}, other: { erase: true } };
    }),
  "POST /api/v1/admin/invitations": () =>
    administrating(() => ({
      path: "admin/invitations",
      body: { email: newPerson().email },
      other: { email: newPerson().email },
    })),
  "POST /api/v1/admin/tenants": () =>
    administrating(() => ({ path: "admin/tenants", body: newTenant(), other: newTenant() })),
  "PATCH /api/v1/admin/tenants/{id}": () =>
    administrating(async (_, token) => {
      const { body } = await usermesh.api.post("admin/tenants", newTenant(), token);
      return { path: `admin/tenants/${body.data.id}`, body: { name: "One" }, other: { name: "Other" } };
    }),
  "POST /api/v1/admin/tenants/{id}/logo": () =>
    administrating(async (_, token) => {
      const { body } = await usermesh.api.post("admin/tenants", newTenant(), token);
      return { path: `admin/tenants/${body.data.id}/logo`, raw: await squareForm() };
    }),
  "POST /api/v1/admin/webhooks": () =>
    administrating(() => ({
      path: "admin/webhooks",
      body: { url: "https://receiver.invalid/one" },
      other: { url: "https://receiver.invalid/other" },
    })),
  "PATCH /api/v1/admin/webhooks/{id}": () =>
    administrating(async (_, token) => ({
      path: await newWebhook(token),
      body: { description: "One" },
      other: { description: "Other" },
    })),
  "DELETE /api/v1/admin/webhooks/{id}": () => administrating(async (_, token) => ({ path: await newWebhook(token) })),
  "POST /api/v1/admin/webhooks/{id}/rotate-secret": () =>
    administrating(async (_, token) => ({ path: `${await newWebhook(token)}/rotate-secret` })),
  "POST /api/v1/admin/webhooks/{id}/test": () =>
    administrating(async (_, token) => ({ path: `${await newWebhook(token)}/test` })),
  "POST /api/v1/admin/webhooks/{id}/deliveries/{delivery_id}/redeliver": () =>
    administrating(async (_, token) => {
      const webhook = await newWebhook(token);
      const { body } = await usermesh.api.post(`${webhook}/test`, undefined, token);
      return { path: `${webhook}/deliveries/${body.data.id}/redeliver` };
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

/** What a form reads before it is filled in, and a change by each of two people. */
const versioned: ReadonlyArray<readonly [path: string, one: object, other: object]> = [
  ["users/me", { bio: "one" }, { bio: "other" }],
  ["users/me/profile", { headline: "one" }, { headline: "other" }],
  ["users/me/preferences", { age_min: 20 }, { age_min: 21 }],
  ["users/me/preferences", { privacy_profile: "private" }, { privacy_profile: "connections" }],
  ["admin/users/{user}", { company: "one" }, { company: "other" }],
  ["admin/tenants/{tenant}", { name: "one" }, { name: "other" }],
  ["admin/webhooks/{webhook}", { description: "one" }, { description: "other" }],
];

describe("a change with If-Match", () => {
  async function subjectOf(path: string) {
    const { account, token } = await signedIn();
    if (path.startsWith("users")) return { path, token };
    const admin = await adminToken();
    if (path.includes("webhooks")) return { path: await newWebhook(admin), token: admin };
    const tenant = await usermesh.api.post("admin/tenants", newTenant(), admin);
    return { path: path.replace("{user}", account.id).replace("{tenant}", tenant.body.data.id), token: admin };
  }

  test.each(versioned)(
    "of %s to %j is made if nothing has changed since, and else changes nothing",
    async (at, one, other) => {
      const { path, token } = await subjectOf(at);
      const read = await usermesh.api.get(path, token);
      const etag = read.headers.get("etag") ?? "";
      expect(etag).toBe(`"${read.body.data.updated_at}"`);
      const change = (body: object, tag: string) =>
        usermesh.api.request("PATCH", path, { body, token, headers: { "if-match": tag } });
      const made = await change(one, etag);
      expect([made.status, made.body.data]).toMatchObject([200, one]);
      expect(await change(other, etag)).toBeProblem(412, "precondition_failed");
      expect((await usermesh.api.get(path, token)).body.data).toMatchObject(one);
      expect(await change(other, `W/${made.headers.get("etag")}`)).toBeProblem(412, "precondition_failed");
      const tags = `"unknown", ${made.headers.get("etag")}`;
      expect((await change(other, tags)).body.data).toMatchObject(other);
      expect((await change(one, "*")).status).toBe(200);
      expect(await change(one, "2026")).toBeProblem(400, "bad_request");
    },
  );

  test("of a role or a status accepts the version that the list or the account shows", async () => {
    const token = await adminToken();
    const path = await newRole(token);
    const put = (permissions: string[], tag: string) =>
      usermesh.api.request("PUT", path, { body: { permissions }, token, headers: { "if-match": tag } });
    expect(await put(["users:read"], '"2020-01-01T00:00:00.000Z"')).toBeProblem(412, "precondition_failed");
    const { id } = await register(usermesh);
    const status = (tag: string) =>
      usermesh.api.request("PUT", `admin/users/${id}/status`, {
        ...{ body: { is_active: false }, token, headers: { "if-match": tag } },
      });
    expect(await status('"2020-01-01T00:00:00.000Z"')).toBeProblem(412, "precondition_failed");
    const { headers } = await usermesh.api.get(`admin/users/${id}`, token);
    expect((await status(headers.get("etag") ?? "")).body.data.is_active).toBe(false);
  });
});
