import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { version } from "../../../lib/config/version.ts";
import {
  inTenant,
  newMember,
  newTenant,
  signInTo,
  type TestTenant,
  vendorOf,
  verdict,
} from "../../support/data/tenants.ts";
import { eventually } from "../../support/eventually.ts";
import { newPerson } from "../../support/flows/main-flow.ts";
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

describe("a tenant", () => {
  test("can be listed, read and renamed by the vendor", async () => {
    const list = await api().get("admin/tenants?limit=100", vendor);
    expect(list.body.data.map((one: { slug: string }) => one.slug)).toContain(tenant.slug);
    const renamed = await api().patch(`admin/tenants/${tenant.id}`, { name: "Renamed" }, vendor);
    expect(renamed.body.data.name).toBe("Renamed");
    expect((await api().get(`admin/tenants/${tenant.id}`, vendor)).body.data.name).toBe("Renamed");
    expect((await api().get("users/me", asAdmin())).status).toBe(200);
  });

  test("gets another slug, and clients still reach it under the former one", async () => {
    const one = await newTenant(mesh, vendor);
    const slug = `${one.slug}-new`;
    const change = (id: string, body: object) => api().patch(`admin/tenants/${id}`, body, vendor);
    expect((await change(one.id, { slug })).body.data).toMatchObject({ id: one.id, slug });
    for (const name of [slug, one.slug]) expect((await signInTo(mesh, name, one.admin)).id).toBe(one.admin.id);
    const body = { slug: one.slug, name: "Another", admin_email: newPerson().email };
    expect(verdict(await api().post("admin/tenants", body, vendor))).toBe("409 slug_taken");
    expect(verdict(await change(tenant.id, { slug: one.slug }))).toBe("409 slug_taken");
    expect((await change(one.id, { slug: one.slug })).body.data.slug).toBe(one.slug);
  });

  test("that is disabled refuses sign-ins, tokens, registrations and mails, until it is enabled", async () => {
    const one = await newTenant(mesh, vendor);
    const user = await newMember(mesh, one.slug);
    const set = (is_active: boolean) => api().patch(`admin/tenants/${one.id}`, { is_active }, vendor);
    expect((await set(false)).body.data).toMatchObject({ is_active: false, delete_at: null });
    const ask = (path: string, body: object) => api().request("POST", path, { body, headers: inTenant(one.slug) });
    expect(verdict(await api().get("users/me", user.access))).toBe("401 token_stale");
    expect(verdict(await api().get("admin/users", one.admin.access))).toBe("401 token_stale");
    expect(verdict(await api().post("auth/refresh", { refresh_token: user.refresh }))).toBe("401 session_ended");
    const { email, password } = user;
    expect(verdict(await ask("auth/login", { email, password }))).toBe("403 account_disabled");
    expect(verdict(await ask("auth/register", newPerson()))).toBe("403 registration_closed");
    expect((await ask("auth/password-reset-request", { email })).status).toBe(202);
    expect((await set(true)).body.data.is_active).toBe(true);
    expect((await signInTo(mesh, one.slug, user)).id).toBe(user.id);
    expect((await api().post("auth/refresh", { refresh_token: user.refresh })).status).toBe(200);
    await newMember(mesh, one.slug);
    expect(mesh.mails().filter((mail) => mail.to.includes(email) && /reset/i.test(mail.subject))).toEqual([]);
  });

  test("that is deleted is disabled at once, and restored as it was before its erasure begins", async () => {
    const one = await newTenant(mesh, vendor);
    const path = `admin/tenants/${one.id}`;
    const deleted = await api().delete(path, vendor);
    const days = (Date.parse(deleted.body.data.erase_at) - Date.now()) / 86_400_000;
    expect([deleted.status, Math.round(days)]).toEqual([200, 30]);
    expect(verdict(await api().get("users/me", one.admin.access))).toBe("401 token_stale");
    expect((await api().delete(path, vendor)).body.data).toEqual(deleted.body.data);
    expect((await api().get(path, vendor)).body.data).toMatchObject({
      is_active: false,
      ...{ delete_at: deleted.body.data.erase_at },
    });
    expect((await api().patch(path, { is_active: true }, vendor)).body.data).toMatchObject({
      is_active: true,
      delete_at: null,
    });
    expect((await signInTo(mesh, one.slug, one.admin)).id).toBe(one.admin.id);
  });

  test("that is deleted without an end of the grace period is disabled, and can be enabled again", async () => {
    const keeping = await startUsermesh({ ACCOUNT_DELETION_GRACE_DAYS: "never" });
    const boss = await vendorOf(keeping);
    const one = await newTenant(keeping, boss);
    const path = `admin/tenants/${one.id}`;
    expect((await keeping.api.delete(path, boss)).body.data).toEqual({ erase_at: null });
    const { data } = (await keeping.api.get(path, boss)).body;
    expect(data).toMatchObject({ is_active: false, delete_at: null });
    expect((await keeping.api.patch(path, { is_active: true }, boss)).status).toBe(200);
    expect((await signInTo(keeping, one.slug, one.admin)).id).toBe(one.admin.id);
    await keeping.api.delete(`admin/users/${(await newMember(keeping, one.slug)).id}`, one.admin.access);
    expect((await keeping.api.request("DELETE", path, { token: boss, body: { erase: true } })).status).toBe(200);
    await eventually("the tenant's end", async () => (await keeping.api.get(path, boss)).status === 404);
    await keeping.stop();
  });

  test("that is erased leaves no account, role or slug behind, and its slug is free", async () => {
    const one = await newTenant(mesh, vendor);
    const user = await newMember(mesh, one.slug);
    await api().post("admin/roles", { name: "support", permissions: ["users:read"] }, one.admin.access);
    const path = `admin/tenants/${one.id}`;
    expect((await api().request("DELETE", path, { token: vendor, body: { erase: true } })).status).toBe(200);
    const back = await api().patch(path, { is_active: true }, vendor);
    expect(["410 tenant_erased", "404 not_found"]).toContain(verdict(back));
    await eventually("the tenant's end", async () => (await api().get(path, vendor)).status === 404);
    const tables = ["users.users", "users.roles", "users.tenant_slugs", "users.role_members", "users.directory"];
    for (const table of tables)
      expect([table, await mesh.database.query(`SELECT FROM ${table} WHERE tenant_id = $1`, [one.id])]).toEqual([
        table,
        [],
      ]);
    const ids = [user.id, one.admin.id];
    for (const table of ["auth.credentials", "sessions.sessions", "preferences.preferences", "admin.activity"])
      expect([table, await mesh.database.query(`SELECT FROM ${table} WHERE user_id = ANY($1::uuid[])`, [ids])]).toEqual(
        [table, []],
      );
    expect(
      (await api().post("admin/tenants", { slug: one.slug, name: "New", admin_email: user.email }, vendor)).status,
    ).toBe(201);
  });

  test("can't be the default tenant", async () => {
    const path = "admin/tenants/00000000-0000-7000-8000-000000000001";
    for (const body of [{ slug: "other" }, { is_active: false }])
      expect(verdict(await api().patch(path, body, vendor))).toBe("403 forbidden");
    expect(verdict(await api().delete(path, vendor))).toBe("403 forbidden");
    expect((await api().patch(path, { name: "Default" }, vendor)).status).toBe(200);
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
