import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { beginLink, comeBack, signInBy } from "../../support/data/oauth-flow.ts";
import { newTenant, vendorOf } from "../../support/data/tenants.ts";
import { eventually } from "../../support/eventually.ts";
import { type MaliciousProvider, startMaliciousProvider } from "../../support/fakes/malicious-provider.ts";
import { linkToken, mailTo, newPerson, type Person, register, signIn } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

let usermesh: Usermesh;
let provider: MaliciousProvider;

beforeAll(async () => {
  provider = await startMaliciousProvider();
  usermesh = await startUsermesh({
    OAUTH_LIAR_ISSUER: provider.issuer,
    OAUTH_LIAR_CLIENT_ID: "usermesh",
    OAUTH_LIAR_CLIENT_SECRET: "secret",
  });
});
afterAll(async () => {
  await usermesh.stop();
  await provider.stop();
});

const sub = () => newPerson().email;
const signInAs = (claims: { sub: string; email: string; email_verified?: boolean }, query = "") =>
  signInBy(usermesh.api, "liar", provider, claims, query);

async function registerVerified(): Promise<Person & { id: string }> {
  const person = await register(usermesh);
  const token = linkToken(await mailTo(usermesh, person.email, /verify-email/));
  expect((await usermesh.api.post("auth/verify-email", { token, password: person.password })).status).toBe(200);
  return person;
}

async function linkAs(person: Person): Promise<string> {
  const { access } = await signIn(usermesh, person);
  const way = await beginLink(usermesh.api, "liar", access);
  const { status } = await comeBack(usermesh.api, way, {
    code: provider.issue(way.authorizeUrl, { sub: sub(), email: newPerson().email }),
  });
  expect(status).toBe(200);
  return access;
}

const added = /now sign in with liar/;
const removed = /Signing in with liar is no longer possible/;

describe("the owner of an account is notified", () => {
  test("by mail that a provider was linked, and that it was unlinked", async () => {
    const person = await registerVerified();
    const access = await linkAs(person);
    await mailTo(usermesh, person.email, added);
    expect((await usermesh.api.delete("auth/identities/liar", access)).status).toBe(200);
    await mailTo(usermesh, person.email, removed);
  });

  test("by mail that a provider was linked because of a verified address", async () => {
    const person = await registerVerified();
    expect((await signInAs({ sub: sub(), email: person.email, email_verified: true })).status).toBe(200);
    await mailTo(usermesh, person.email, added);
  });

  test("of nothing if a provider created the account, or signed in again", async () => {
    const claims = { sub: sub(), email: newPerson().email, email_verified: true };
    for (const _ of ["made", "again"]) expect((await signInAs(claims)).status).toBe(200);
    await usermesh.settled();
    expect(usermesh.mails().filter((mail) => mail.to.includes(claims.email))).toEqual([]);
  });

  test("of both in the activity log", async () => {
    const person = await registerVerified();
    const access = await linkAs(person);
    await usermesh.api.delete("auth/identities/liar", access);
    const acts = async () => {
      const { body } = await usermesh.api.get("users/me/activity", access);
      return body.data
        .filter((one: { action: string }) => one.action.startsWith("identity."))
        .map(({ action, actor_id, details }: Record<string, unknown>) => [action, actor_id, details]);
    };
    await eventually("both entries", async () => (await acts()).length === 2);
    expect(await acts()).toEqual([
      ["identity.unlinked", person.id, { provider: "liar" }],
      ["identity.linked", person.id, { provider: "liar" }],
    ]);
  });
});

interface Entry {
  readonly user_id: string | null;
  readonly details: Record<string, unknown>;
}

/** Refused sign-ins with this provider in the tenant's activity log. */
async function refusals(): Promise<Entry[]> {
  const { access } = await signIn(usermesh, usermesh.admin);
  const { body } = await usermesh.api.get("admin/activity?action=sign_in.refused&limit=100", access);
  return body.data.filter((one: Entry) => one.details.provider === "liar");
}

const refusalOf = (code: string, userId: string | null) =>
  eventually(`an entry ${code}`, async () =>
    (await refusals()).find((one) => one.details.code === code && one.user_id === userId),
  );

describe("a refused sign-in with a provider is recorded in the activity log", () => {
  test("for the disabled account", async () => {
    const claims = { sub: sub(), email: newPerson().email, email_verified: true };
    const { id } = (await signInAs(claims)).body.data.user;
    const admin = await signIn(usermesh, usermesh.admin);
    await usermesh.api.put(`admin/users/${id}/status`, { is_active: false }, admin.access);
    expect((await signInAs(claims)).status).toBe(403);
    await refusalOf("account_disabled", id);
  });

  test("for the account whose address was claimed without verification", async () => {
    const person = await registerVerified();
    expect((await signInAs({ sub: sub(), email: person.email, email_verified: false })).status).toBe(409);
    await refusalOf("email_taken", person.id);
  });

  test("without an account if the provider did not identify the user", async () => {
    const begun = await usermesh.api.get("auth/oauth/liar");
    const state = new URL(begun.headers.get("location") ?? "").searchParams.get("state") ?? "";
    const cookie = begun.headers.getSetCookie()[0]?.split(";")[0];
    const answer = await comeBack(usermesh.api, { provider: "liar", state, cookie }, { error: "access_denied" });
    expect(answer.status).toBe(400);
    await refusalOf("oauth_failed", null);
  });
});

test("a session of a sign-in with a provider has the tenant's lifetime", async () => {
  const vendor = await vendorOf(usermesh);
  const tenant = await newTenant(usermesh, vendor);
  const settings = { access_token_minutes: 5, refresh_token_days: 2, session_max_days: 1 };
  expect((await usermesh.api.patch(`admin/tenants/${tenant.id}`, { settings }, vendor)).status).toBe(200);
  const claims = { sub: sub(), email: newPerson().email, email_verified: true };
  const livesIn = async (query: string) => (await signInAs(claims, query)).body.data;
  const isBrief = (seconds: number) => seconds > 86_000 && seconds <= 86_400;
  // sessions caches a tenant's limits for ten seconds.
  const there = await eventually("a session of a day", async () => {
    const data = await livesIn(`?tenant=${tenant.slug}`);
    return isBrief(data.refresh_expires_in) ? data : undefined;
  });
  expect([there.user.tenant_id, there.expires_in]).toEqual([tenant.id, 300]);
  const here = await livesIn("");
  expect([here.expires_in, isBrief(here.refresh_expires_in)]).toEqual([1_800, false]);
});
