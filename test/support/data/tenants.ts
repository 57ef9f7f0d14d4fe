import { randomBytes } from "node:crypto";
import { expect } from "@jest/globals";
import type { Answer } from "../clients/api-client.ts";
import { linkToken, mailTo, newPerson, type Running, signIn } from "../flows/main-flow.ts";

export interface Member {
  readonly id: string;
  readonly email: string;
  readonly password: string;
  access: string;
  refresh: string;
}

export interface TestTenant {
  readonly id: string;
  readonly slug: string;
  readonly admin: Member;
}

/** As its clients name a tenant: in a header, on calls that are not signed in. */
export const inTenant = (slug: string) => ({ "x-tenant": slug });

export async function vendorOf(running: Running): Promise<string> {
  return (await signIn(running, running.admin)).access;
}

/**
 * Made by the vendor, and open to registrations; its first administrator has followed the invitation and is signed in. `settings` are in force
 * before the first sign-in: nodes keep those of a tenant for some seconds.
 */
export async function newTenant(running: Running, vendor: string, settings?: object): Promise<TestTenant> {
  const slug = `t-${randomBytes(6).toString("hex")}`;
  const person = newPerson("boss");
  const made = await running.api.post("admin/tenants", { slug, name: "Test", admin_email: person.email }, vendor);
  expect(made.status).toBe(201);
  await changeSettings(running, vendor, made.body.data, { registration: "open", upgrade: "self", ...settings });
  const token = linkToken(await mailTo(running, person.email, /reset-password/));
  const set = await running.api.post("auth/password-reset-confirm", { token, new_password: person.password });
  expect(set.status).toBe(200);
  return { id: made.body.data.id, slug, admin: await signInTo(running, slug, person) };
}

export async function changeSettings(
  running: Running,
  vendor: string,
  { id }: Pick<TestTenant, "id">,
  settings: object,
): Promise<void> {
  const changed = await running.api.patch(`admin/tenants/${id}`, { settings }, vendor);
  expect(verdict(changed)).toBe("200 ok");
}

export async function newMember(running: Running, slug: string, person = newPerson()): Promise<Member> {
  const body = { ...person, username: `u-${randomBytes(6).toString("hex")}`, full_name: `Name ${person.email}` };
  const made = await running.api.request("POST", "auth/register", { body, headers: inTenant(slug) });
  expect(made.status).toBe(201);
  return signInTo(running, slug, person);
}

export async function signInTo(
  running: Running,
  slug: string,
  person: { readonly email: string; readonly password: string },
): Promise<Member> {
  const body = { email: person.email, password: person.password };
  const { status, body: answer } = await running.api.request("POST", "auth/login", { body, headers: inTenant(slug) });
  expect(status).toBe(200);
  const { access_token: access, refresh_token: refresh, user } = answer.data;
  return { id: user.id, email: person.email, password: person.password, access, refresh };
}

/** What a client does at `token_stale`. */
export async function refreshed(running: Running, member: Member): Promise<Member> {
  const { status, body } = await running.api.post("auth/refresh", { refresh_token: member.refresh });
  expect(status).toBe(200);
  return { ...member, access: body.data.access_token, refresh: body.data.refresh_token };
}

export function verdict({ status, body }: Answer): string {
  return `${status} ${body.code ?? "ok"}`;
}

/** A new member with these roles of the tenant, signed in after they were granted. */
export async function memberWith(running: Running, tenant: TestTenant, roles: readonly string[]): Promise<Member> {
  const user = await newMember(running, tenant.slug);
  const granted = await running.api.patch(`admin/users/${user.id}`, { roles }, tenant.admin.access);
  expect(verdict(granted)).toBe("200 ok");
  return refreshed(running, user);
}

export async function newRole(
  running: Running,
  tenant: TestTenant,
  name: string,
  permissions: readonly string[],
): Promise<void> {
  const made = await running.api.post("admin/roles", { name, permissions }, tenant.admin.access);
  expect(made.status).toBe(201);
}
