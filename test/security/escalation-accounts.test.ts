import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import {
  inTenant,
  type Member,
  memberWith,
  newMember,
  newRole,
  newTenant,
  refreshed,
  signInTo,
  type TestTenant,
  vendorOf,
  verdict,
} from "../support/data/tenants.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

let mesh: Usermesh;
let vendor: string;
beforeAll(async () => {
  mesh = await startUsermesh();
  vendor = await vendorOf(mesh);
});
afterAll(() => mesh?.stop());

const api = () => mesh.api;
const remove = (id: string, token: string, body = {}) => api().request("DELETE", `admin/users/${id}`, { token, body });
const setStatus = (id: string, is_active: boolean, token: string) =>
  api().put(`admin/users/${id}/status`, { is_active }, token);
const revokeSessions = (id: string, token: string) => api().delete(`admin/users/${id}/sessions`, token);
const asVendor = (method: string, path: string, tenant: TestTenant, body?: object) =>
  api().request(method, path, { token: vendor, headers: inTenant(tenant.slug), ...(body && { body }) });

describe("an administrator with fewer permissions cannot act on a more privileged account", () => {
  let tenant: TestTenant;
  /** May change accounts, roles and sessions, and lacks `activity:read`. */
  let deputy: Member;
  beforeAll(async () => {
    tenant = await newTenant(mesh, vendor);
    const permissions = ["users:read", "users:write", "roles:read", "roles:write", "sessions:read", "sessions:write"];
    await newRole(mesh, tenant, "deputy", permissions);
    await newRole(mesh, tenant, "auditor", ["activity:read"]);
    deputy = await memberWith(mesh, tenant, ["deputy"]);
  });

  test("disabling, deleting and ending sessions are refused and change nothing", async () => {
    const { id, access } = tenant.admin;
    expect(verdict(await setStatus(id, false, deputy.access))).toBe("403 forbidden");
    expect(verdict(await remove(id, deputy.access))).toBe("403 forbidden");
    expect(verdict(await revokeSessions(id, deputy.access))).toBe("403 forbidden");
    expect((await api().get("users/me", access)).body.data).toMatchObject({ id, is_active: true });
  });

  test("in another tenant, a privileged account is indistinguishable from a missing one", async () => {
    const { admin } = await newTenant(mesh, vendor);
    for (const id of [admin.id, "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60"]) {
      const answers = await Promise.all([
        setStatus(id, false, deputy.access),
        api().patch(`admin/users/${id}`, { full_name: "Mallory" }, deputy.access),
        remove(id, deputy.access),
        revokeSessions(id, deputy.access),
        api().get(`admin/users/${id}/sessions`, deputy.access),
        api().get(`admin/users/${id}`, deputy.access),
      ]);
      expect(new Set(answers.map(verdict))).toEqual(new Set(["404 not_found"]));
    }
  });

  test("the erasure of an account in another tenant cannot be read", async () => {
    const there = await newTenant(mesh, vendor);
    const user = await newMember(mesh, there.slug);
    expect((await remove(user.id, there.admin.access)).status).toBe(200);
    const erasure = `admin/users/${user.id}/erasure`;
    expect((await api().get(erasure, there.admin.access)).body.data.state).toBe("scheduled");
    expect(verdict(await api().get(erasure, deputy.access))).toBe("404 not_found");
    expect(verdict(await setStatus(user.id, true, deputy.access))).toBe("404 not_found");
  });

  test("a disabled account cannot be enabled, nor a deleted one restored", async () => {
    const mighty = await memberWith(mesh, tenant, ["admin"]);
    expect((await setStatus(mighty.id, false, tenant.admin.access)).status).toBe(200);
    expect(verdict(await setStatus(mighty.id, true, deputy.access))).toBe("403 forbidden");
    expect((await remove(mighty.id, tenant.admin.access)).status).toBe(200);
    expect(verdict(await setStatus(mighty.id, true, deputy.access))).toBe("403 forbidden");
  });

  test("all of it is allowed on an account with no more permissions", async () => {
    const user = await newMember(mesh, tenant.slug);
    expect((await revokeSessions(user.id, deputy.access)).body.data).toEqual({ revoked: 1 });
    expect((await setStatus(user.id, false, deputy.access)).status).toBe(200);
    expect((await setStatus(user.id, true, deputy.access)).status).toBe(200);
    expect((await remove(user.id, deputy.access)).status).toBe(200);
  });

  test("a role with more permissions cannot be reduced or deleted", async () => {
    const auditor = await memberWith(mesh, tenant, ["auditor"]);
    expect(verdict(await api().put("admin/roles/auditor", { permissions: [] }, deputy.access))).toBe("403 forbidden");
    expect(verdict(await api().delete("admin/roles/auditor", deputy.access))).toBe("403 forbidden");
    expect((await api().get("admin/activity", auditor.access)).status).toBe(200);
  });

  test("an administrator of the default tenant cannot act on the vendor", async () => {
    const user = await newMember(mesh, "default");
    await api().patch(`admin/users/${user.id}`, { roles: ["admin"] }, vendor);
    const admin = await refreshed(mesh, user);
    const { id } = (await api().get("users/me", vendor)).body.data;
    expect(verdict(await setStatus(id, false, admin.access))).toBe("403 forbidden");
    expect(verdict(await remove(id, admin.access))).toBe("403 forbidden");
    expect(verdict(await revokeSessions(id, admin.access))).toBe("403 forbidden");
    expect((await api().get("users/me", vendor)).status).toBe(200);
  });
});

describe("a tenant keeps an administrator", () => {
  let tenant: TestTenant;
  beforeEach(async () => {
    tenant = await newTenant(mesh, vendor);
  });

  test("the last administrator cannot give up the role or delete their account", async () => {
    const { id, access } = tenant.admin;
    expect(verdict(await api().patch(`admin/users/${id}`, { roles: [] }, access))).toBe("409 last_admin");
    expect(verdict(await api().delete("users/me", access))).toBe("409 last_admin");
    expect((await api().get("admin/users", access)).status).toBe(200);
  });

  test("only other active administrators count", async () => {
    const other = await memberWith(mesh, tenant, ["admin"]);
    const { id, access } = tenant.admin;
    expect((await setStatus(other.id, false, access)).status).toBe(200);
    expect(verdict(await api().delete("users/me", access))).toBe("409 last_admin");
    expect((await setStatus(other.id, true, access)).status).toBe(200);
    expect((await api().delete("users/me", access)).status).toBe(200);
    const { access: theirs } = await signInTo(mesh, tenant.slug, other);
    expect((await api().get(`admin/users/${id}`, theirs)).body.data.deleted_at).not.toBeNull();
  });

  test("of two administrators who disable each other at once, one remains", async () => {
    for (let round = 0; round < 5; round += 1) {
      const here = await newTenant(mesh, vendor);
      const other = await memberWith(mesh, here, ["admin"]);
      await Promise.all([setStatus(other.id, false, here.admin.access), setStatus(here.admin.id, false, other.access)]);
      const { body } = await asVendor("GET", "admin/users?role=admin&status=active", here);
      expect(body.meta.total).toBe(1);
    }
  });

  test("a user acting from another tenant may remove the last administrator and appoint the next", async () => {
    const user = await newMember(mesh, tenant.slug);
    const { id } = tenant.admin;
    expect((await asVendor("PUT", `admin/users/${id}/status`, tenant, { is_active: false })).status).toBe(200);
    const appointed = await asVendor("PATCH", `admin/users/${user.id}`, tenant, { roles: ["admin"] });
    expect(appointed.body.data.roles).toEqual(["admin", "user"]);
  });

  test("the installation keeps a vendor", async () => {
    const { id } = (await api().get("users/me", vendor)).body.data;
    expect(verdict(await api().patch(`admin/users/${id}`, { roles: ["admin"] }, vendor))).toBe("409 last_admin");
  });
});
