import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
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
import { linkToken, mailTo, newPerson, type Person } from "../../support/flows/main-flow.ts";
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

  test("a renamed role keeps its members, who see its name at once", async () => {
    await api().post("admin/roles", { name: "former", permissions: ["users:read"] }, asAdmin());
    await api().post("admin/roles", { name: "occupied" }, asAdmin());
    const user = await member();
    await patch(user, { roles: ["former"] });
    const before = await refreshed(mesh, user);
    expect((await api().get("users/me", before.access)).body.data.roles).toEqual(["former", "user"]);
    const rename = (new_name: string) => api().patch("admin/roles/former", { new_name }, asAdmin());
    expect(verdict(await rename("occupied"))).toBe("409 role_exists");
    expect(verdict(await rename("admin"))).toBe("403 forbidden");
    const renamed = await rename("latter");
    expect(renamed.body.data).toMatchObject({ name: "latter", permissions: ["users:read"] });
    expect(verdict(await api().get("users/me", before.access))).toBe("401 token_stale");
    const now = await refreshed(mesh, before);
    expect((await api().get("users/me", now.access)).body.data.roles).toEqual(["latter", "user"]);
    expect((await api().get("admin/users", now.access)).status).toBe(200);
    await renewAdmin();
    const names = (await api().get("admin/roles", asAdmin())).body.data.map((role: { name: string }) => role.name);
    expect(names).toEqual(expect.arrayContaining(["latter"]));
    expect(names).not.toContain("former");
  });

  test("a role the tenant does not have can't be assigned", async () => {
    const answer = await patch(await member(), { roles: ["nobody-made-it"] });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ field: "roles", code: "unknown_role" }] } });
  });
});

describe("an administrator", () => {
  test("can change names, other texts and verification", async () => {
    const user = await member();
    const texts = { current_title: "Admiral", company: "Navy", location: "Arlington", bio: null };
    const change = { full_name: "Grace Hopper", username: `g-${user.id.slice(-12)}`, ...texts, is_verified: true };
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

describe("an account that an administrator creates", () => {
  const create = (body: object) => api().post("admin/users", body, asAdmin());
  const setPassword = async ({ email, password }: Person) => {
    const token = linkToken(await mailTo(mesh, email, /reset-password/));
    return api().post("auth/password-reset-confirm", { token, new_password: password });
  };

  test("has the fields and roles that were sent, and a mail invites its owner", async () => {
    const person = newPerson();
    const texts = {
      full_name: "Grace Hopper",
      current_title: "Commodore",
      company: "Navy",
      location: "Arlington",
      bio: "B",
    };
    const body = { email: person.email, username: `g-${person.email.slice(4, 16)}`, ...texts, roles: ["admin"] };
    const made = await create(body);
    expect([made.status, made.body.data]).toMatchObject([
      201,
      { ...body, roles: ["admin", "user"], is_verified: false },
    ]);
    const { subject } = await mailTo(mesh, person.email, /reset-password/);
    expect(subject).toBe("You have been invited");
    expect((await setPassword(person)).status).toBe(200);
    const member = await signInTo(mesh, tenant.slug, person);
    expect((await api().get("auth/me", member.access)).body.data.user).toMatchObject({ is_verified: true, ...texts });
    const found = await api().get("admin/users?search=commodore", asAdmin());
    expect(found.body.data.map((one: { email: string }) => one.email)).toEqual([person.email]);
  });

  test("can be verified at once, and still gets its invitation", async () => {
    const person = newPerson();
    expect((await create({ email: person.email, is_verified: true })).body.data.is_verified).toBe(true);
    expect((await setPassword(person)).status).toBe(200);
  });

  test("gets no mail if the administrator says so, until they send a link", async () => {
    const person = newPerson();
    const { body } = await create({ email: person.email, send_invitation: false });
    const send = (kind: string) => api().post(`admin/users/${body.data.id}/links`, { kind }, asAdmin());
    const other = newPerson();
    await create({ email: other.email });
    await mailTo(mesh, other.email, /invited/);
    expect(mesh.mails().filter((mail) => mail.to.includes(person.email))).toEqual([]);
    expect((await send("invitation")).status).toBe(202);
    expect((await setPassword(person)).status).toBe(200);
    const refused = [await send("invitation"), await send("email_verification")];
    expect(refused.map((answer) => [answer.status, answer.body.errors[0].code])).toEqual([
      [422, "has_password"],
      [422, "already_verified"],
    ]);
    expect((await send("password_reset")).status).toBe(202);
    await mailTo(mesh, person.email, /Reset your password/);
  });

  test("can't take an address or a username that another account has, and then leaves nothing behind", async () => {
    const [taken, free] = [newPerson(), newPerson()];
    const username = `u-${taken.email.slice(4, 16)}`;
    await create({ email: taken.email, username });
    expect(verdict(await create({ email: taken.email.toUpperCase() }))).toBe("409 email_taken");
    expect(verdict(await create({ email: free.email, username }))).toBe("409 username_taken");
    expect(verdict(await create({ email: free.email, roles: ["nobody-made-it"] }))).toBe("422 validation_failed");
    expect((await api().get(`admin/users?search=${free.email}`, asAdmin())).body.data).toEqual([]);
  });

  test("can't get a role with permissions that its creator lacks", async () => {
    await api().post("admin/roles", { name: "clerk", permissions: ["users:write", "roles:write"] }, asAdmin());
    const user = await member();
    await patch(user, { roles: ["clerk"] });
    const clerk = await refreshed(mesh, user);
    const email = newPerson().email;
    expect(verdict(await api().post("admin/users", { email, roles: ["admin"] }, clerk.access))).toBe("403 forbidden");
    const ofAdmin = `admin/users/${tenant.admin.id}/links`;
    expect(verdict(await api().post(ofAdmin, { kind: "password_reset" }, clerk.access))).toBe("403 forbidden");
    const elsewhere = `admin/users/${(await newTenant(mesh, vendor)).admin.id}/links`;
    expect(verdict(await api().post(elsewhere, { kind: "password_reset" }, asAdmin()))).toBe("404 not_found");
  });

  test("is disabled: its owner gets no link", async () => {
    const { body } = await create({ email: newPerson().email });
    await api().put(`admin/users/${body.data.id}/status`, { is_active: false }, asAdmin());
    const answer = await api().post(`admin/users/${body.data.id}/links`, { kind: "invitation" }, asAdmin());
    expect(verdict(answer)).toBe("403 account_disabled");
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
