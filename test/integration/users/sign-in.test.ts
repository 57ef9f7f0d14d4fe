import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { systemClock } from "../../../lib/runtime/clock.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { permissions } from "../../../services/users/roles/permissions.ts";
import { aUser } from "../../support/start/broker.ts";
import { newTenant, startUsers, type UserServices } from "../../support/start/user-services.ts";

/** As the initial migration creates them. */
const systemRoles = {
  admin: [
    "activity:read",
    "connections:assert",
    "roles:read",
    "roles:write",
    "sessions:read",
    "sessions:write",
    "users:read",
    "users:write",
    "webhooks:read",
    "webhooks:write",
  ],
  vendor: [
    "platform:act",
    "platform:introspect",
    "platform:keys",
    "platform:metrics",
    "platform:queues",
    "platform:tenants",
  ],
  user: [],
};

let mesh: UserServices;
beforeAll(async () => {
  mesh = await startUsers(["users", "sessions"]);
});
afterAll(() => mesh.stop());

const find = (by: { email?: string; username?: string }, tenant = "default") =>
  mesh.as("auth", "users.findForSignIn", { tenant, ...by });
const claims = (id: string) => mesh.as("auth", "users.claims", { id });

describe("a sign-in finds its account", () => {
  test("by email and by username, ignoring case", async () => {
    const user = await mesh.create({ email: "Find.Me@example.com", username: "FindMe" });
    expect((await find({ email: "find.me@EXAMPLE.com" })).user?.id).toBe(user.id);
    expect((await find({ username: "findme" })).user?.id).toBe(user.id);
  });

  test("or null, for a name that no account has or can have", async () => {
    for (const email of ["nobody@example.com", "", "a\0b", "\ud800", "x".repeat(1_000)])
      expect((await find({ email })).user).toBeNull();
    expect((await find({ username: "a\0b" })).user).toBeNull();
  });

  test("only in its own tenant", async () => {
    const { slug } = await newTenant(mesh.database);
    const names = { email: `${slug}@example.com`, username: `same-${slug}` };
    const here = await mesh.create(names);
    expect((await find({ email: names.email }, slug)).user).toBeNull();
    expect((await find({ username: names.username }, slug)).user).toBeNull();
    const there = await mesh.create({ ...names, tenant: slug });
    expect((await find({ username: names.username })).user?.id).toBe(here.id);
    expect((await find({ username: names.username }, slug)).user?.id).toBe(there.id);
  });

  test("not in an unknown tenant", async () => {
    await expect(find({ email: "a@example.com" }, "nowhere")).rejects.toMatchObject({ type: "validation_failed" });
  });

  test("records the time of the latest sign-in, in whatever order the reports arrive", async () => {
    const { id } = await mesh.create();
    await mesh.as("auth", "users.recordLogin", { id, at: "2026-03-01T00:00:00.000Z" });
    await mesh.as("auth", "users.recordLogin", { id, at: "2026-02-01T00:00:00.000Z" });
    expect((await mesh.as("auth", "users.get", { id }))?.last_login_at).toBe("2026-03-01T00:00:00.000Z");
  });

  test("a sign-in invalidates no cache: nothing is appended to the revocation log", async () => {
    const { id } = await mesh.create();
    const lastEntry = async () => (await mesh.database.query("SELECT last_seq FROM sessions.revocation_log_state"))[0];
    const before = await lastEntry();
    await mesh.as("auth", "users.recordLogin", { id, at: "2026-03-01T00:00:00.000Z" });
    expect(await lastEntry()).toEqual(before);
  });

  test("users see the sign-in that their token is from, even if an earlier one is cached", async () => {
    const account = await mesh.create();
    const me = (authTime: number) => mesh.call("users.me", {}, aUser({ user_id: account.id, auth_time: authTime }));
    expect((await me(1_700_000_000)).last_login_at).toBe("2023-11-14T22:13:20.000Z");
    expect((await me(1_700_000_060)).last_login_at).toBe("2023-11-14T22:14:20.000Z");
    await mesh.as("auth", "users.recordLogin", { id: account.id, at: "2026-03-01T00:00:00.000Z" });
    expect((await me(1_800_000_000)).last_login_at).toBe("2027-01-15T08:00:00.000Z");
  });
});

describe("claims", () => {
  test("of a plain user: the role `user`, and no permission", async () => {
    const { id } = await mesh.create();
    expect(await claims(id)).toMatchObject({ roles: ["user"], permissions: [], tier: "basic", tier_expires_at: null });
  });

  test("of an administrator and vendor of the default tenant", async () => {
    const { id } = await mesh.create({ roles: ["admin", "vendor"] });
    expect((await claims(id))?.permissions).toEqual([...systemRoles.admin, ...systemRoles.vendor].sort());
  });

  test("the role `admin` of a tenant is the system role", async () => {
    const { slug } = await newTenant(mesh.database);
    const { id } = await mesh.create({ tenant: slug, roles: ["admin"] });
    expect((await claims(id))?.permissions).toEqual([...systemRoles.admin].sort());
  });

  test("`vendor` grants nothing outside the default tenant, even if a row assigns it", async () => {
    const tenant = await newTenant(mesh.database);
    const { id } = await mesh.create({ tenant: tenant.slug });
    await mesh.database.query("INSERT INTO users.role_members (user_id, tenant_id, role) VALUES ($1, $2, 'vendor')", [
      id,
      tenant.id,
    ]);
    expect(await claims(id)).toMatchObject({ roles: ["user"], permissions: [] });
  });

  test("a tenant can't have a role with a reserved name", async () => {
    const { id } = await newTenant(mesh.database);
    for (const name of ["admin", "vendor", "user"])
      await expect(
        mesh.database.query("INSERT INTO users.roles (tenant_id, name) VALUES ($1, $2)", [id, name]),
      ).rejects.toThrow("roles_reserved");
  });

  test("platform:* counts only in system roles", async () => {
    const { id, tenant_id } = await mesh.create();
    await mesh.database.query(
      "INSERT INTO users.roles (tenant_id, name, permissions) VALUES ($1, 'sneaky', '{platform:act,users:read}')",
      [tenant_id],
    );
    await mesh.database.query("INSERT INTO users.role_members (user_id, tenant_id, role) VALUES ($1, $2, 'sneaky')", [
      id,
      tenant_id,
    ]);
    expect((await claims(id))?.permissions).toEqual(["users:read"]);
  });

  test("the tier ends when the subscription does", async () => {
    const { id } = await mesh.create();
    await mesh.database.query(
      "INSERT INTO users.subscriptions (user_id, plan, expires_at) VALUES ($1, 'gold', now() + interval '1 hour')",
      [id],
    );
    expect((await claims(id))?.tier).toBe("premium");
    await mesh.database.query(
      "UPDATE users.subscriptions SET expires_at = now() - interval '1 second' WHERE user_id = $1",
      [id],
    );
    expect(await claims(id)).toMatchObject({ tier: "basic", tier_expires_at: null });
  });

  test("of an unknown account are null", async () => {
    expect(await claims(newId(systemClock))).toBeNull();
    expect(await mesh.as("auth", "users.signInView", { id: newId(systemClock) })).toBeNull();
  });
});

test("the system roles match the catalogue of permissions", async () => {
  const rows = await mesh.database.query<{ name: string; permissions: string[] }>(
    "SELECT name, permissions FROM users.roles WHERE system",
  );
  expect(Object.fromEntries(rows.map((row) => [row.name, row.permissions]))).toEqual(systemRoles);
  expect(Object.keys(permissions)).toEqual(expect.arrayContaining(rows.flatMap((row) => row.permissions)));
});

test("validate tells which of many accounts exist", async () => {
  const user = await mesh.create({ is_verified: true });
  const ids = [user.id, newId(systemClock)];
  expect(await mesh.as("preferences", "users.validate", { ids })).toEqual([
    { id: user.id, is_active: true, is_verified: true },
  ]);
});
