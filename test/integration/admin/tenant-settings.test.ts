import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import sharp from "sharp";
import { createBrowserClient } from "../../support/clients/browser-client.ts";
import { bytesOf, form, picture } from "../../support/data/avatar-uploads.ts";
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
  mesh = await startUsermesh({ PASSWORD_POLICY: "classic" });
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
    const token = linkToken(await mailTo(later, email, /reset-password/));
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
    expect((await api().get(`admin/tenants/${tenant.id}`, vendor)).body.data.settings).toEqual({
      registration: "open",
      upgrade: "self",
    });
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
    expect((await api().get(`admin/tenants/${id}`, vendor)).body.data.settings).toEqual({
      registration: "open",
      upgrade: "self",
    });
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

describe("the brand of a tenant", () => {
  const upload = async (id: string) => {
    const raw = form(await bytesOf(picture(64, 64).png()));
    return verdict(await api().request("POST", `admin/tenants/${id}/logo`, { raw, token: vendor }));
  };
  const patch = async (id: string, body: object) => verdict(await api().patch(`admin/tenants/${id}`, body, vendor));
  const pageOf = async (path: string, headers: Record<string, string> = {}) =>
    (await fetch(mesh.url + path, { headers })).text();

  test("is on its pages and in its mails, and on no others", async () => {
    const tenant = await newTenant(mesh, vendor);
    const other = await newTenant(mesh, vendor);
    const brand_name = "Acme <b>& Sons</b>";
    const settings = { brand_name, brand_color: "#7A1F5C" };
    expect([await patch(tenant.id, { settings }), await upload(tenant.id)]).toEqual(["200 ok", "200 ok"]);
    const shown = (await api().get(`admin/tenants/${tenant.id}`, vendor)).body.data;
    expect(shown).toMatchObject({ settings, logo: expect.stringMatching(/^[0-9a-f]{16}$/) });
    const image = `/brand/${tenant.slug}-${shown.logo}.png`;

    const page = await pageOf(`/login?tenant=${tenant.slug}`);
    for (const part of [image, "/brand/colors/7a1f5c.css", "Acme &#60;b&#62;&#38; Sons"]) expect(page).toContain(part);
    expect(page).not.toContain("<b>");
    const served = await fetch(mesh.url + image);
    const logo = Buffer.from(await served.arrayBuffer());
    expect(served.headers.get("content-type")).toBe("image/png");
    expect(await sharp(logo).metadata()).toMatchObject({ format: "png", width: 256, height: 256 });
    const colors = await fetch(`${mesh.url}/brand/colors/7a1f5c.css`);
    expect([colors.status, await colors.text()]).toEqual([
      200,
      expect.stringContaining("--accent: light-dark(#7a1f5c"),
    ]);
    for (const path of [`/login?tenant=${other.slug}`, "/login", "/login?tenant=unknown", "/login?tenant=%3Cb%3E"])
      expect(await pageOf(path)).not.toMatch(/Acme|\/brand\//);

    const asked = async ({ slug, admin: { email } }: typeof tenant) => {
      const earlier = mesh.mails().length;
      await api().request("POST", "auth/password-reset-request", { body: { email }, headers: inTenant(slug) });
      return mailTo({ ...mesh, mails: () => mesh.mails().slice(earlier) }, email, /reset-password/);
    };
    const mail = await asked(tenant);
    expect(mail.html).toContain("Acme &#60;b&#62;&#38; Sons");
    expect(mail.html).toContain(`data:image/png;base64,${logo.toString("base64")}`);
    expect(mail.html).toContain("background-color:#7a1f5c");
    expect(mail.text).toMatch(new RegExp(`/reset-password\\?tenant=${tenant.slug}#token=v1`));
    expect((await asked(other)).html).not.toMatch(/Acme|data:image|7a1f5c/);
  });

  test("is on the account page of its members, until they sign out", async () => {
    const tenant = await newTenant(mesh, vendor);
    expect(await patch(tenant.id, { settings: { brand_name: "Acme" } })).toBe("200 ok");
    const browser = createBrowserClient(mesh.api);
    const { email, password } = tenant.admin;
    const body = { email, password, use_cookies: true };
    await browser.request("POST", "auth/login", { body, headers: inTenant(tenant.slug) });
    const cookie = () => [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    expect(await pageOf("/account", { cookie: cookie() })).toContain("· Acme</title>");
    expect(await pageOf("/account", { cookie: "tenant=not-an-id" })).toContain("· Usermesh</title>");
    await browser.own("POST", "auth/logout");
    expect(await pageOf("/account", { cookie: cookie() })).toContain("· Usermesh</title>");
  });

  test("is removed with null, and settings that are not valid are refused and change nothing", async () => {
    const tenant = await newTenant(mesh, vendor);
    expect(await upload(tenant.id)).toBe("200 ok");
    expect(await patch(tenant.id, { settings: { brand_name: "Acme", brand_color: "#123456" } })).toBe("200 ok");
    const png = (await picture(32, 32).png().toBuffer()).toString("base64");
    expect(await patch(tenant.id, { logo: png })).toMatch(/^422 /);
    expect(await patch(tenant.id, { settings: { brand_color: "red" } })).toMatch(/^422 /);
    expect(await patch(tenant.id, { settings: { brand_name: "" } })).toMatch(/^422 /);
    const before = (await api().get(`admin/tenants/${tenant.id}`, vendor)).body.data;
    expect(before.settings).toMatchObject({ brand_name: "Acme", brand_color: "#123456" });
    expect(before.logo).not.toBeNull();
    expect(await patch(tenant.id, { logo: null, settings: { brand_name: null, brand_color: null } })).toBe("200 ok");
    const after = (await api().get(`admin/tenants/${tenant.id}`, vendor)).body.data;
    expect([after.logo, after.settings.brand_name]).toEqual([null, undefined]);
    const [{ n } = { n: -1 }] = await mesh.database.query<{ n: number }>(
      "SELECT count(*)::int AS n FROM users.tenant_logos WHERE tenant_id = $1",
      [tenant.id],
    );
    expect(n).toBe(0);
  });
});
