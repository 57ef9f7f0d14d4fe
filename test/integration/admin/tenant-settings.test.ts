import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import {
  changeSettings,
  inTenant,
  newTenant,
  refreshed,
  signInTo,
  vendorOf,
  verdict,
} from "../../support/data/tenants.ts";
import { eventually } from "../../support/eventually.ts";
import { linkToken, mailTo, newPerson } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

const HOUR = 3_600;
const DAY = 24 * HOUR;

let mesh: Usermesh;
let vendor: string;
beforeAll(async () => {
  mesh = await startUsermesh();
  vendor = await vendorOf(mesh);
});
afterAll(() => mesh?.stop());

const api = () => mesh.api;
const set = (id: string, settings: object) => api().patch(`admin/tenants/${id}`, { settings }, vendor);

interface Named {
  readonly slug: string;
}

async function signIn({ slug }: Named, { email, password }: { readonly email: string; readonly password: string }) {
  const { body } = await api().request("POST", "auth/login", { body: { email, password }, headers: inTenant(slug) });
  return body.data;
}

describe("the password policy of a tenant", () => {
  test("applies to registration, password change and reset", async () => {
    const tenant = await newTenant(mesh, vendor);
    await changeSettings(mesh, vendor, tenant, { password_policy: "nist" });
    const register = (password: string) =>
      api().request("POST", "auth/register", {
        body: { email: newPerson().email, password },
        headers: inTenant(tenant.slug),
      });
    const short = "Short-1-one";
    expect((await register(short)).body.errors[0].code).toBe("password_too_short");
    expect((await register("a rather long sentence of words")).status).toBe(201);
    const change = { current_password: tenant.admin.password, new_password: short };
    const changed = await api().post("auth/change-password", change, tenant.admin.access);
    expect(changed.body.errors[0].code).toBe("password_too_short");
    const { email } = tenant.admin;
    const earlier = mesh.mails().length;
    await api().request("POST", "auth/password-reset-request", { body: { email }, headers: inTenant(tenant.slug) });
    const later = { ...mesh, mails: () => mesh.mails().slice(earlier) };
    const token = linkToken(await mailTo(later, email, /reset-password\?token=/));
    const reset = await api().post("auth/password-reset-confirm", { token, new_password: short });
    expect(reset.body.errors[0].code).toBe("password_too_short");
  });
});

describe("the lifetime of an access token", () => {
  test("is the tenant's, from the next request on", async () => {
    const tenant = await newTenant(mesh, vendor);
    await changeSettings(mesh, vendor, tenant, { access_token_minutes: 5 });
    expect(verdict(await api().get("users/me", tenant.admin.access))).toBe("401 token_stale");
    const { access_token, expires_in } = await signIn(tenant, tenant.admin);
    const { iat, exp } = JSON.parse(Buffer.from(access_token.split(".")[1], "base64url").toString());
    expect([expires_in, exp - iat]).toEqual([300, 300]);
    await changeSettings(mesh, vendor, tenant, { access_token_minutes: null });
    expect((await api().get(`admin/tenants/${tenant.id}`, vendor)).body.data.settings).toEqual({});
    expect((await signIn(tenant, tenant.admin)).expires_in).toBe(1_800);
  });
});

/** Moves the session's times back by this many hours. */
async function age(sessionId: string, hours: number): Promise<void> {
  await mesh.database.query(
    `UPDATE sessions.sessions SET created_at = created_at - s, last_used_at = last_used_at - s, expires_at = expires_at - s,
       max_expires_at = max_expires_at - s FROM make_interval(hours => $2) AS s WHERE id = $1`,
    [sessionId, hours],
  );
}

const refresh = (refresh_token: string) => api().post("auth/refresh", { refresh_token });
const near = (seconds: number) => ({ from: seconds - 60, to: seconds });
const isNear = (value: number, { from, to }: { from: number; to: number }) => value > from && value <= to;

describe("a session", () => {
  test("ends after refresh_token_days without a refresh", async () => {
    const tenant = await newTenant(mesh, vendor, { refresh_token_days: 1 });
    const first = await signIn(tenant, tenant.admin);
    expect(isNear(first.refresh_expires_in, near(DAY))).toBe(true);
    await age(first.session_id, 23);
    const again = (await refresh(first.refresh_token)).body.data;
    expect(isNear(again.refresh_expires_in, near(DAY))).toBe(true);
    await age(first.session_id, 25);
    expect(verdict(await refresh(again.refresh_token))).toBe("401 session_ended");
  });

  test("ends after session_max_days, even if it is refreshed", async () => {
    const tenant = await newTenant(mesh, vendor, { session_max_days: 2 });
    let { session_id, refresh_token, refresh_expires_in } = await signIn(tenant, tenant.admin);
    expect(isNear(refresh_expires_in, near(2 * DAY))).toBe(true);
    for (const left of [36, 24, 12]) {
      await age(session_id, 12);
      ({ refresh_token, refresh_expires_in } = (await refresh(refresh_token)).body.data);
      expect(isNear(refresh_expires_in, near(left * HOUR))).toBe(true);
    }
    await age(session_id, 13);
    expect(verdict(await refresh(refresh_token))).toBe("401 session_ended");
  });

  test("has the installation's limits if the tenant has set none", async () => {
    const tenant = await newTenant(mesh, vendor);
    const { session_id, refresh_token, refresh_expires_in } = await signIn(tenant, tenant.admin);
    expect(isNear(refresh_expires_in, near(7 * DAY))).toBe(true);
    await age(session_id, 6 * 24);
    expect((await refresh(refresh_token)).status).toBe(200);
  });
});

describe("the account limit of a tenant", () => {
  test("holds for concurrent registrations", async () => {
    const small = await newTenant(mesh, vendor, { max_users: 3 });
    const register = () => api().request("POST", "auth/register", { body: newPerson(), headers: inTenant(small.slug) });
    const answers = await Promise.all(Array.from({ length: 6 }, register));
    const full = "409 tenant_limit_reached";
    expect(answers.map(verdict).toSorted()).toEqual(["201 ok", "201 ok", full, full, full, full]);
  });
});

test("an account in an uncommitted transaction counts", async () => {
  const { id, slug } = await newTenant(mesh, vendor, { max_users: 2 });
  const other = new Client({ connectionString: mesh.database.url });
  await other.connect();
  await other.query("BEGIN");
  await other.query("SELECT 1 FROM users.tenants WHERE id = $1 FOR NO KEY UPDATE", [id]);
  await other.query(
    "INSERT INTO users.users (id, tenant_id, email, email_key, search_text) VALUES (gen_random_uuid(), $1, 'x@y', 'x@y', '')",
    [id],
  );
  const late = api().request("POST", "auth/register", { body: newPerson(), headers: inTenant(slug) });
  const waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
  await eventually("it to wait", async () => (await mesh.database.query(waiting)).length > 0);
  await other.query("COMMIT");
  await other.end();
  expect(verdict(await late)).toBe("409 tenant_limit_reached");
});

describe("a tenant setting", () => {
  test.each([
    ["password_policy", "length"],
    ["access_token_minutes", 1_440],
    ["refresh_token_days", 8],
    ["session_max_days", 31],
  ])("%s beyond the installation's bounds: 422, and nothing is changed", async (name, value) => {
    const { id, admin, slug } = await newTenant(mesh, vendor);
    const refused = await set(id, { [name]: value, max_users: 7 });
    expect(refused).toMatchObject({
      status: 422,
      body: { errors: [{ field: `settings.${name}`, code: "beyond_bounds" }] },
    });
    expect((await api().get(`admin/tenants/${id}`, vendor)).body.data.settings).toEqual({});
    expect((await signInTo(mesh, slug, admin)).id).toBe(admin.id);
  });

  test("can only be changed by the vendor", async () => {
    const { id, admin } = await newTenant(mesh, vendor);
    const answer = await api().patch(`admin/tenants/${id}`, { settings: { max_users: 9 } }, admin.access);
    expect(verdict(answer)).toBe("403 forbidden");
  });
});

test("a setting that access tokens do not depend on invalidates none", async () => {
  const tenant = await newTenant(mesh, vendor);
  await changeSettings(mesh, vendor, tenant, { max_users: 100, session_max_days: 3 });
  expect((await api().get("users/me", tenant.admin.access)).status).toBe(200);
  expect((await refreshed(mesh, tenant.admin)).id).toBe(tenant.admin.id);
});
