import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  changeSettings,
  inTenant,
  newTenant,
  refreshed,
  signInTo,
  vendorOf,
  verdict,
} from "../support/data/tenants.ts";
import { linkToken, mailTo, newPerson } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

/** A stranger must not join a tenant, nor a member pass its paywall, unless the tenant lets them. */
let usermesh: Usermesh;
let vendor: string;
beforeAll(async () => {
  usermesh = await startUsermesh();
  vendor = await vendorOf(usermesh);
});
afterAll(() => usermesh.stop());

const registerIn = (slug: string, person = newPerson()) =>
  usermesh.api.request("POST", "auth/register", { body: person, headers: inTenant(slug) });
const signInAs = (slug: string, person: object) =>
  usermesh.api.request("POST", "auth/login", { body: person, headers: inTenant(slug) });

test("a stranger cannot join a new tenant, upgrade themselves and read its directory", async () => {
  const slug = `t-${randomBytes(6).toString("hex")}`;
  const admin_email = newPerson("boss").email;
  const made = await usermesh.api.post("admin/tenants", { slug, name: "Test", admin_email }, vendor);
  expect(made.body.data.settings).toEqual({ registration: "invited", upgrade: "permission" });
  expect(verdict(await registerIn(slug))).toBe("403 registration_closed");
  const registered = { ...newPerson(), email: admin_email };
  expect(verdict(await registerIn(slug, registered))).toBe("403 registration_closed");
});

test("the default tenant is open, and its members upgrade themselves", async () => {
  const person = newPerson();
  expect((await registerIn("default", person)).status).toBe(201);
  const { access } = await signInTo(usermesh, "default", person);
  expect((await usermesh.api.post("users/me/upgrade", {}, access)).status).toBe(200);
});

describe("a tenant that invites", () => {
  const closed = { registration: "invited", upgrade: "permission" };
  const invite = (body: object, token: string) => usermesh.api.post("admin/invitations", body, token);

  test("takes whom its administrator invites, with the roles of the invitation", async () => {
    const tenant = await newTenant(usermesh, vendor, closed);
    const person = newPerson();
    const body = { email: person.email, full_name: "Ada Lovelace", roles: ["admin"] };
    const invited = await invite(body, tenant.admin.access);
    expect([invited.status, invited.body.data.roles]).toEqual([201, ["admin", "user"]]);
    const token = linkToken(await mailTo(usermesh, person.email, /reset-password/));
    await usermesh.api.post("auth/password-reset-confirm", { token, new_password: person.password });
    const member = await signInTo(usermesh, tenant.slug, person);
    expect((await usermesh.api.get("users/me", member.access)).body.data).toMatchObject({
      tenant_id: tenant.id,
      is_verified: true,
      full_name: "Ada Lovelace",
    });
    expect(verdict(await invite(body, tenant.admin.access))).toBe("409 email_taken");
  });

  test("has members who cannot invite, upgrade themselves, or be given unknown roles", async () => {
    const tenant = await newTenant(usermesh, vendor, closed);
    const person = newPerson();
    await invite({ email: person.email }, tenant.admin.access);
    const token = linkToken(await mailTo(usermesh, person.email, /reset-password/));
    await usermesh.api.post("auth/password-reset-confirm", { token, new_password: person.password });
    const { access } = await signInTo(usermesh, tenant.slug, person);
    expect(verdict(await invite({ email: newPerson().email }, access))).toBe("403 forbidden");
    expect(verdict(await usermesh.api.post("users/me/upgrade", {}, access))).toBe("403 forbidden");
    expect(verdict(await usermesh.api.get("users/search", access))).toBe("402 premium_required");
    const roles = { email: newPerson().email, roles: ["vendor"] };
    expect(verdict(await invite(roles, tenant.admin.access))).toBe("422 validation_failed");
    expect((await usermesh.api.post("users/me/upgrade", {}, tenant.admin.access)).status).toBe(200);
  });

  test("counts invitations towards its limit", async () => {
    const tenant = await newTenant(usermesh, vendor, { ...closed, max_users: 2 });
    expect((await invite({ email: newPerson().email }, tenant.admin.access)).status).toBe(201);
    expect(verdict(await invite({ email: newPerson().email }, tenant.admin.access))).toBe("409 tenant_limit_reached");
  });
});

test("a tenant of a domain takes only proven addresses of it", async () => {
  const tenant = await newTenant(usermesh, vendor);
  const settings = { registration: "domains", registration_domains: ["corp.example"] };
  await changeSettings(usermesh, vendor, tenant, settings);
  expect(verdict(await registerIn(tenant.slug))).toBe("403 registration_closed");
  const person = { ...newPerson(), email: `ada.${randomBytes(6).toString("hex")}@corp.example` };
  expect((await registerIn(tenant.slug, person)).status).toBe(201);
  expect(verdict(await signInAs(tenant.slug, person))).toBe("403 email_not_verified");
  const boss = await refreshed(usermesh, tenant.admin);
  await usermesh.api.post("users/me/upgrade", {}, boss.access);
  const { access } = await refreshed(usermesh, boss);
  const found = async () => (await usermesh.api.get("users/search", access)).body.data.length;
  const before = await found();
  const token = linkToken(await mailTo(usermesh, person.email, /verify-email/));
  await usermesh.api.post("auth/verify-email", { token, password: person.password });
  expect((await signInAs(tenant.slug, person)).status).toBe(200);
  expect(await found()).toBe(before + 1);
});
