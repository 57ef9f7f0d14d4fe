import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
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
import { newPerson } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

let mesh: Usermesh;
let vendor: string;
let tenant: TestTenant;
/** May change accounts and roles, and little else. */
let deputy: Member;

beforeAll(async () => {
  mesh = await startUsermesh();
  vendor = await vendorOf(mesh);
  tenant = await newTenant(mesh, vendor);
  await newRole(mesh, tenant, "deputy", ["users:read", "users:write", "roles:read", "roles:write"]);
  await newRole(mesh, tenant, "clerk", ["users:read", "users:write"]);
  deputy = await withRoles(["deputy"]);
});
afterAll(() => mesh?.stop());

const api = () => mesh.api;
const asAdmin = () => tenant.admin.access;

const withRoles = (roles: readonly string[]) => memberWith(mesh, tenant, roles);

const claimsOf = (access: string) => JSON.parse(Buffer.from(access.split(".")[1] ?? "", "base64url").toString());
const permissionsOf = (access: string): string[] => claimsOf(access).permissions;

describe("roles", () => {
  test.each(["admin", "vendor", "user"])("a role named %s cannot be created, changed or deleted", async (name) => {
    const forbidden = "403 forbidden";
    expect(verdict(await api().post("admin/roles", { name, permissions: [] }, asAdmin()))).toBe(forbidden);
    expect(verdict(await api().put(`admin/roles/${name}`, { permissions: [] }, asAdmin()))).toBe(forbidden);
    expect(verdict(await api().delete(`admin/roles/${name}`, asAdmin()))).toBe(forbidden);
  });

  test("a tenant's role cannot hold a platform permission", async () => {
    const asked = { name: "sly", permissions: ["platform:act"] };
    expect(verdict(await api().post("admin/roles", asked, asAdmin()))).toBe("403 forbidden");
    expect(verdict(await api().post("admin/roles", asked, vendor))).toBe("403 forbidden");
  });

  test("vendor cannot be granted outside the default tenant and has no effect there", async () => {
    const user = await newMember(mesh, tenant.slug);
    const granted = await api().patch(`admin/users/${user.id}`, { roles: ["vendor"] }, asAdmin());
    expect(granted.body.errors[0].code).toBe("unknown_role");
    const sql = "INSERT INTO users.role_members (user_id, tenant_id, role) VALUES ($1, $2, 'vendor')";
    await mesh.database.query(sql, [user.id, tenant.id]);
    const slipped = await signInTo(mesh, tenant.slug, user);
    expect(claimsOf(slipped.access)).toMatchObject({ roles: ["user"], role: "user", permissions: [] });
    expect(verdict(await api().get("admin/tenants", slipped.access))).toBe("403 forbidden");
  });

  test("roles of another tenant are not shown, changed, deleted or granted", async () => {
    const other = await newTenant(mesh, vendor);
    const name = "elsewhere";
    await newRole(mesh, other, name, ["users:read"]);
    const answers = [
      await api().put(`admin/roles/${name}`, { permissions: ["users:read"] }, asAdmin()),
      await api().put(`admin/roles/${name}`, { permissions: [] }, asAdmin()),
      await api().delete(`admin/roles/${name}`, asAdmin()),
    ];
    expect(answers.map(verdict)).toEqual(["404 not_found", "404 not_found", "404 not_found"]);
    const user = await newMember(mesh, tenant.slug);
    const granted = await api().patch(`admin/users/${user.id}`, { roles: [name] }, asAdmin());
    expect(granted.body.errors).toMatchObject([{ code: "unknown_role" }]);
    const theirs = (await api().get("admin/roles", asAdmin())).body.data;
    expect(theirs.map((one: { name: string }) => one.name)).not.toContain(name);
  });

  test("a platform permission in a row of a tenant's role has no effect", async () => {
    const sql = "INSERT INTO users.roles (tenant_id, name, permissions) VALUES ($1, 'slipped', '{platform:act}')";
    await mesh.database.query(sql, [tenant.id]);
    const user = await newMember(mesh, tenant.slug);
    const grant = "INSERT INTO users.role_members (user_id, tenant_id, role) VALUES ($1, $2, 'slipped')";
    await mesh.database.query(grant, [user.id, tenant.id]);
    expect(permissionsOf((await signInTo(mesh, tenant.slug, user)).access)).toEqual([]);
  });
});

describe("an administrator without a permission cannot grant it", () => {
  test("to a new role", async () => {
    const asked = { name: "more", permissions: ["users:read", "sessions:write"] };
    expect(verdict(await api().post("admin/roles", asked, deputy.access))).toBe("403 forbidden");
  });

  test("to their own role", async () => {
    const permissions = ["users:read", "users:write", "roles:read", "roles:write", "activity:read"];
    expect(verdict(await api().put("admin/roles/deputy", { permissions }, deputy.access))).toBe("403 forbidden");
  });

  test("to themselves or to others", async () => {
    const other = await newMember(mesh, tenant.slug);
    for (const id of [deputy.id, other.id]) {
      const answer = await api().patch(`admin/users/${id}`, { roles: ["admin"] }, deputy.access);
      expect(verdict(answer)).toBe("403 forbidden");
    }
    expect((await api().get(`admin/users/${other.id}`, asAdmin())).body.data.roles).toEqual(["user"]);
  });

  test("an administrator can grant permissions they hold", async () => {
    const other = await newMember(mesh, tenant.slug);
    const answer = await api().patch(`admin/users/${other.id}`, { roles: ["clerk"] }, deputy.access);
    expect(answer.body.data.roles).toEqual(["clerk", "user"]);
  });

  test("without roles:write, no permission can be granted", async () => {
    const clerk = await withRoles(["clerk"]);
    const answer = await api().patch(`admin/users/${clerk.id}`, { roles: ["clerk", "deputy"] }, clerk.access);
    expect(verdict(answer)).toBe("403 forbidden");
    const other = await newMember(mesh, tenant.slug);
    const shared = await api().patch(`admin/users/${other.id}`, { roles: ["clerk"] }, clerk.access);
    expect(verdict(shared)).toBe("403 forbidden");
  });

  test("a more privileged account cannot be taken over by changing its address", async () => {
    const { email } = newPerson("thief");
    const answer = await api().patch(`admin/users/${tenant.admin.id}`, { email, is_verified: true }, deputy.access);
    expect(verdict(answer)).toBe("403 forbidden");
    expect((await api().get("users/me", tenant.admin.access)).body.data.email).toBe(tenant.admin.email);
  });
});

describe("another tenant", () => {
  test("cannot be entered by a tenant's administrator", async () => {
    const request = { token: asAdmin(), headers: inTenant("default") };
    expect(verdict(await api().request("GET", "admin/users", request))).toBe("403 forbidden");
  });

  test("cannot be entered by an administrator of the default tenant without platform:act", async () => {
    const user = await newMember(mesh, "default");
    await api().patch(`admin/users/${user.id}`, { roles: ["admin"] }, vendor);
    const admin = await refreshed(mesh, user);
    expect((await api().get("admin/users", admin.access)).status).toBe(200);
    const request = { token: admin.access, headers: inTenant(tenant.slug) };
    expect(verdict(await api().request("GET", "admin/users", request))).toBe("403 forbidden");
    expect(verdict(await api().patch(`admin/users/${user.id}`, { roles: ["admin", "vendor"] }, admin.access))).toBe(
      "403 forbidden",
    );
  });

  test("is indistinguishable from a missing one without platform:act", async () => {
    const named = (slug: string) => api().request("GET", "admin/users", { token: asAdmin(), headers: inTenant(slug) });
    const [there, none] = [await named("default"), await named("there-is-none")];
    expect([there.status, there.body.detail]).toEqual([none.status, none.body.detail]);
  });

  test("cannot be named in a request body", async () => {
    const user = await newMember(mesh, tenant.slug);
    const answer = await api().patch(`admin/users/${user.id}`, { tenant_id: "x", permissions: [] }, asAdmin());
    expect(answer.body.errors.map((one: { code: string }) => one.code)).toEqual(["unknown_field", "unknown_field"]);
  });
});

test("a vendor without platform:act sees the installation but cannot enter a tenant", async () => {
  const user = await newMember(mesh, "default");
  await api().patch(`admin/users/${user.id}`, { roles: ["admin", "vendor"] }, vendor);
  const change = (sql: string) =>
    mesh.database.query(`UPDATE users.roles SET permissions = ${sql} WHERE name = 'vendor'`);
  await change("array_remove(permissions, 'platform:act')");
  try {
    const { access } = await refreshed(mesh, user);
    expect((await api().get("admin/metrics", access)).status).toBe(200);
    expect((await api().get("admin/users", access)).status).toBe(200);
    const inside = await api().request("GET", "admin/users", { token: access, headers: inTenant(tenant.slug) });
    expect(verdict(inside)).toBe("403 forbidden");
  } finally {
    await change("permissions || 'platform:act'::text");
  }
});

test("a removed role is refused at the next request", async () => {
  const clerk = await withRoles(["clerk"]);
  expect((await api().get("admin/users", clerk.access)).status).toBe(200);
  await api().patch(`admin/users/${clerk.id}`, { roles: [] }, asAdmin());
  expect(verdict(await api().get("admin/users", clerk.access))).toBe("401 token_stale");
  const now = await refreshed(mesh, clerk);
  expect(verdict(await api().get("admin/users", now.access))).toBe("403 forbidden");
});
