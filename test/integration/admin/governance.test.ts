import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { version } from "../../../lib/config/version.ts";
import {
  inTenant,
  type Member,
  newMember,
  newTenant,
  refreshed,
  signInTo,
  type TestTenant,
  vendorOf,
  verdict,
} from "../../support/data/tenants.ts";
import { eventually } from "../../support/eventually.ts";
import { mailTo, newPerson } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

let mesh: Usermesh;
let vendor: string;
let tenant: TestTenant;
beforeAll(async () => {
  mesh = await startUsermesh();
  vendor = await vendorOf(mesh);
  tenant = await newTenant(mesh, vendor);
});
afterAll(() => mesh?.stop());

const api = () => mesh.api;
const asAdmin = () => tenant.admin.access;
const member = () => newMember(mesh, tenant.slug);
const patch = (user: Member, body: object) => api().patch(`admin/users/${user.id}`, body, asAdmin());

/** Every change of a role invalidates the tenant's tokens. */
async function renewAdmin(): Promise<void> {
  Object.assign(tenant.admin, await refreshed(mesh, tenant.admin));
}

describe("roles", () => {
  test("are created, listed, changed and deleted", async () => {
    const made = await api().post("admin/roles", { name: "support", permissions: ["users:read"] }, asAdmin());
    expect(made).toMatchObject({ status: 201, body: { data: { name: "support", system: false } } });
    const list = await api().get("admin/roles", asAdmin());
    expect(list.body.data.map((role: { name: string }) => role.name)).toEqual(["admin", "user", "support"]);
    const again = await api().post("admin/roles", { name: "support" }, asAdmin());
    expect(verdict(again)).toBe("409 role_exists");
    const wider = { permissions: ["users:read", "activity:read"] };
    expect((await api().put("admin/roles/support", wider, asAdmin())).status).toBe(200);
    await renewAdmin();
    expect((await api().delete("admin/roles/support", asAdmin())).status).toBe(200);
    await renewAdmin();
    expect(verdict(await api().delete("admin/roles/support", asAdmin()))).toBe("404 not_found");
  });

  test("an assigned role takes effect on the next request", async () => {
    await api().post("admin/roles", { name: "reader", permissions: ["users:read"] }, asAdmin());
    const user = await member();
    expect(verdict(await api().get("admin/users", user.access))).toBe("403 forbidden");
    expect((await patch(user, { roles: ["reader"] })).body.data.roles).toEqual(["reader", "user"]);
    expect(verdict(await api().get("admin/users", user.access))).toBe("401 token_stale");
    const now = await refreshed(mesh, user);
    expect((await api().get("admin/users", now.access)).status).toBe(200);
  });

  test("a changed role takes effect on the next request of all its members", async () => {
    await api().post("admin/roles", { name: "fickle", permissions: ["users:read"] }, asAdmin());
    const user = await member();
    await patch(user, { roles: ["fickle"] });
    const had = await refreshed(mesh, user);
    expect((await api().get("admin/users", had.access)).status).toBe(200);
    expect((await api().put("admin/roles/fickle", { permissions: [] }, asAdmin())).status).toBe(200);
    expect(verdict(await api().get("admin/users", had.access))).toBe("401 token_stale");
    const has = await refreshed(mesh, had);
    expect(verdict(await api().get("admin/users", has.access))).toBe("403 forbidden");
    await renewAdmin();
  });

  test("a new role with a deleted role's name has no members", async () => {
    await api().post("admin/roles", { name: "lapsed", permissions: ["users:read"] }, asAdmin());
    const user = await member();
    await patch(user, { roles: ["lapsed"] });
    await api().delete("admin/roles/lapsed", asAdmin());
    await renewAdmin();
    await api().post("admin/roles", { name: "lapsed", permissions: ["users:read", "users:write"] }, asAdmin());
    const now = await refreshed(mesh, user);
    expect(verdict(await api().get("admin/users", now.access))).toBe("403 forbidden");
  });

  test("a deleted role disappears from accounts, even if they were cached", async () => {
    await api().post("admin/roles", { name: "shown", permissions: ["users:read"] }, asAdmin());
    const user = await member();
    await patch(user, { roles: ["shown"] });
    const before = await refreshed(mesh, user);
    const roles = async (access: string) => (await api().get("users/me", access)).body.data.roles;
    expect([await roles(before.access), await roles(before.access)]).toEqual(Array(2).fill(["shown", "user"]));
    await api().delete("admin/roles/shown", asAdmin());
    expect(await roles((await refreshed(mesh, before)).access)).toEqual(["user"]);
    await renewAdmin();
  });

  test("a role the tenant does not have can't be assigned", async () => {
    const answer = await patch(await member(), { roles: ["nobody-made-it"] });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ field: "roles", code: "unknown_role" }] } });
  });
});

describe("an administrator", () => {
  test("can change name, username and verification", async () => {
    const user = await member();
    const change = { full_name: "Grace Hopper", username: `g-${user.id.slice(-12)}`, is_verified: true };
    expect((await patch(user, change)).body.data).toMatchObject(change);
  });

  test("can change an email address immediately; it is unverified, and the old one is notified", async () => {
    const user = await member();
    const { email } = newPerson("renamed");
    expect((await patch(user, { email })).body.data).toMatchObject({ email, is_verified: false, pending_email: null });
    await mailTo(mesh, user.email, /changed/i);
    expect((await signInTo(mesh, tenant.slug, { ...user, email })).id).toBe(user.id);
  });

  test("can't set an email address or username that is taken", async () => {
    const [one, other] = [await member(), await member()];
    expect(verdict(await patch(one, { email: other.email.toUpperCase() }))).toBe("409 email_taken");
  });

  test("can set a subscription, which takes effect on the next request", async () => {
    const user = await member();
    const answer = await patch(user, { subscription: { plan: "gold" } });
    expect(answer.body.data.subscription).toMatchObject({ tier: "premium", plan: "gold" });
    expect(verdict(await api().get("users/me", user.access))).toBe("401 token_stale");
    const ended = await patch(user, { subscription: null });
    expect(ended.body.data.subscription.tier).toBe("basic");
  });

  test("can list and revoke a user's sessions", async () => {
    const user = await member();
    const other = await signInTo(mesh, tenant.slug, user);
    const list = await api().get(`admin/users/${user.id}/sessions`, asAdmin());
    expect(list.body.data).toHaveLength(2);
    expect((await api().delete(`admin/users/${user.id}/sessions`, asAdmin())).body.data).toEqual({ revoked: 2 });
    expect(verdict(await api().get("users/me", user.access))).toBe("401 session_ended");
    expect(verdict(await api().get("users/me", other.access))).toBe("401 session_ended");
  });
});

describe("a tenant", () => {
  test("can be listed, read and renamed by the vendor", async () => {
    const list = await api().get("admin/tenants?limit=100", vendor);
    expect(list.body.data.map((one: { slug: string }) => one.slug)).toContain(tenant.slug);
    const renamed = await api().patch(`admin/tenants/${tenant.id}`, { name: "Renamed" }, vendor);
    expect(renamed.body.data.name).toBe("Renamed");
    expect((await api().get(`admin/tenants/${tenant.id}`, vendor)).body.data.name).toBe("Renamed");
    expect((await api().get("users/me", asAdmin())).status).toBe(200);
  });

  test("has a unique slug", async () => {
    const body = { slug: tenant.slug, name: "Again", admin_email: newPerson().email };
    expect(verdict(await api().post("admin/tenants", body, vendor))).toBe("409 slug_taken");
  });

  test("has an invitation that verifies the address, works once and creates an administrator", async () => {
    const { body } = await api().get("auth/me", asAdmin());
    expect(body.data.user).toMatchObject({ is_verified: true, roles: ["admin", "user"], tenant_id: tenant.id });
  });
});

describe("the vendor", () => {
  const asVendor = (method: string, path: string, slug: string, body?: object) =>
    api().request(method, path, { token: vendor, headers: inTenant(slug), ...(body && { body }) });

  test("can act in another tenant, which is recorded in both logs", async () => {
    const user = await member();
    const found = await asVendor("GET", `admin/users/${user.id}`, tenant.slug);
    expect(found.body.data.email).toBe(user.email);
    expect(verdict(await api().get(`admin/users/${user.id}`, vendor))).toBe("404 not_found");
    const theirs = await api().get("admin/activity?action=platform.acted", asAdmin());
    expect(theirs.body.data[0].details).toMatchObject({ method: "GET", path: "/api/v1/admin/users/{id}" });
    const ours = await api().get("admin/activity?action=platform.acted", vendor);
    expect(ours.body.data[0].details).toMatchObject({ acted_in: tenant.id });
  });

  test("gets 422 for an unknown tenant", async () => {
    expect((await asVendor("GET", "admin/users", "there-is-none")).body.errors[0].code).toBe("unknown_tenant");
  });

  test("can read metrics, queues and nodes", async () => {
    const metrics = await api().get("admin/metrics", vendor);
    expect(metrics.body.data).toMatchObject({ accounts: { total: expect.any(Number) }, breakers: { open: 0 } });
    expect(metrics.body.data.sessions.active).toBeGreaterThan(0);
    const queues = await api().get("admin/queues", vendor);
    expect(queues.body.data.map((queue: { name: string }) => queue.name)).toContain("mail");
    const graph = await api().get("admin/mesh", vendor);
    expect(graph.body.data.nodes[0].services).toContainEqual({ name: "users", version });
    expect(graph.body.data.open_breakers).toEqual([]);
  });

  test("can list, retry and delete dead letters", async () => {
    expect((await api().get("admin/queues/mail/failed", vendor)).body).toMatchObject({ data: [], meta: { total: 0 } });
    expect((await api().post("admin/queues/mail/retry", {}, vendor)).body.data).toEqual({ retried: 0 });
    expect(verdict(await api().post("admin/queues/mail/retry", { id: "none" }, vendor))).toBe("404 not_found");
    expect(verdict(await api().delete("admin/queues/mail/failed/none", vendor))).toBe("404 not_found");
    expect(verdict(await api().get("admin/queues/no-such/failed", vendor))).toBe("404 not_found");
  });
});

describe("the activity log", () => {
  const logged = (action: string, token: string) =>
    eventually(action, async () => {
      const page = await api().get(`admin/activity?action=${action}`, token);
      return page.body.data.length > 0 && page.body;
    });

  test("contains refused sign-ins, for existing and unknown accounts", async () => {
    const user = await member();
    const wrong = (email: string) =>
      api().request("POST", "auth/login", { body: { email, password: "Wrong-1-x" }, headers: inTenant(tenant.slug) });
    await wrong(user.email);
    const page = await logged("sign_in.refused", asAdmin());
    expect(page.data[0]).toMatchObject({ user_id: user.id, actor_id: null, details: { code: "invalid_credentials" } });
    await wrong(newPerson().email);
    await eventually("the second one", async () => {
      const { body } = await api().get("admin/activity?action=sign_in.refused", asAdmin());
      return body.meta.total === 2 && body.data[0].user_id === null;
    });
  });

  test("contains actor, user and IP address of sign-ins and ended sessions", async () => {
    const user = await member();
    await api().delete(`admin/users/${user.id}/sessions`, asAdmin());
    const again = await signInTo(mesh, tenant.slug, user);
    await api().post("auth/logout", undefined, again.access);
    const entries = await eventually("four entries", async () => {
      const { body } = await api().get(`admin/users/${user.id}/activity?limit=100`, asAdmin());
      const entries = body.data.filter((one: { action: string }) => one.action.startsWith("session."));
      return entries.length === 4 && entries;
    });
    const seen = entries.map((one: Record<string, unknown>) => [one.action, one.actor_id, one.user_id, one.ip]);
    const ip = "127.0.0.1";
    expect(seen).toEqual([
      ["session.revoked", user.id, user.id, ip],
      ["session.created", user.id, user.id, ip],
      ["session.revoked", tenant.admin.id, user.id, ip],
      ["session.created", user.id, user.id, ip],
    ]);
  });

  test("contains refused requests", async () => {
    const user = await member();
    await api().get("admin/users", user.access);
    const page = await logged(`request.refused&actor=${user.id}`, asAdmin());
    expect(page.data[0]).toMatchObject({ actor_id: user.id, details: { path: "/api/v1/admin/users" } });
  });

  test("counts its entries", async () => {
    const { body } = await api().get("admin/activity?limit=2", asAdmin());
    expect(body.meta).toMatchObject({ page: 1, limit: 2, total: expect.any(Number), has_next: true });
  });
});
