import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pino from "pino";
import { systemClock } from "../../../lib/runtime/clock.ts";
import { createOAuthProviders } from "../../../services/auth/oauth/oauth-providers.ts";
import { runImport, written } from "../../support/data/import.ts";
import { begin, signInBy } from "../../support/data/oauth-flow.ts";
import { newTenant, vendorOf } from "../../support/data/tenants.ts";
import { type MaliciousProvider, startMaliciousProvider } from "../../support/fakes/malicious-provider.ts";
import { linkToken, mailTo, newPerson, register, signIn, verifyAddress } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

let usermesh: Usermesh;
let provider: MaliciousProvider;
let entra: MaliciousProvider;
let apple: MaliciousProvider;
/** Entra with all tenants, and without the setting that a template needs. */
let anyone: MaliciousProvider;
let unset: MaliciousProvider;
const [ours, partner, foreign] = [randomUUID(), randomUUID(), randomUUID()];

beforeAll(async () => {
  [provider, entra, apple, anyone, unset] = await Promise.all([
    startMaliciousProvider(),
    startMaliciousProvider({ tenants: true }),
    startMaliciousProvider(),
    startMaliciousProvider({ tenants: true }),
    startMaliciousProvider({ tenants: true }),
  ]);
  usermesh = await startUsermesh({
    OAUTH_LIAR_ISSUER: provider.issuer,
    OAUTH_LIAR_CLIENT_ID: "usermesh",
    OAUTH_LIAR_CLIENT_SECRET: "secret",
    OAUTH_ENTRA_ISSUER: entra.issuer,
    OAUTH_ENTRA_CLIENT_ID: "usermesh",
    OAUTH_ENTRA_CLIENT_SECRET: "secret",
    OAUTH_ENTRA_TENANTS: `${ours.toUpperCase()}, ${partner}`,
    OAUTH_ENTRA_TRUST_EMAIL: "true",
    OAUTH_ANYONE_ISSUER: anyone.issuer,
    OAUTH_ANYONE_CLIENT_ID: "usermesh",
    OAUTH_ANYONE_TENANTS: "*",
    OAUTH_OUR_ENTRA_ISSUER: unset.issuer,
    OAUTH_OUR_ENTRA_CLIENT_ID: "usermesh",
    OAUTH_APPLE_ISSUER: apple.issuer,
    OAUTH_APPLE_CLIENT_ID: "usermesh",
    OAUTH_APPLE_CLIENT_SECRET: "secret",
  });
});
afterAll(async () => {
  await usermesh.stop();
  await Promise.all([provider, entra, apple, anyone, unset].map((one) => one.stop()));
});

const sub = () => newPerson().email;
const signInAs = (claims: { sub: string; email?: string; email_verified?: boolean; name?: string }) =>
  signInBy(usermesh.api, "liar", provider, claims);

async function verify(email: string, access: string): Promise<void> {
  const token = linkToken(await mailTo(usermesh, email, /verify-email/));
  expect((await usermesh.api.post("auth/verify-email", { token }, access)).status).toBe(200);
}

describe("an email that the provider does not vouch for", () => {
  test("creates an unverified account if the address is free, and mails a verification link", async () => {
    const { email } = newPerson();
    const { status, body } = await signInAs({ sub: sub(), email, email_verified: false });
    expect([status, body.data.user.is_verified]).toEqual([200, false]);
    await verify(email, body.data.access_token);
    expect((await usermesh.api.get("users/me", body.data.access_token)).body.data.is_verified).toBe(true);
  });

  test.each([false, undefined])("does not sign in to an existing account (email_verified: %s)", async (verified) => {
    const person = await register(usermesh);
    await verifyAddress(usermesh, person);
    const before = await usermesh.rowCounts();
    const claims = { sub: sub(), email: person.email, ...(verified !== undefined && { email_verified: verified }) };
    expect(await signInAs(claims)).toBeProblem(409, "email_taken");
    expect((await usermesh.rowCounts())["auth.identities"]).toBe(before["auth.identities"]);
  });

  test("creates no account if it is missing", async () => {
    expect(await signInAs({ sub: sub() })).toBeProblem(400, "oauth_failed");
  });
});

describe("an unverified account, whose creator never proved to own the address", () => {
  test("is taken over by the person the provider vouches for, and all earlier credentials are removed", async () => {
    const stranger = await register(usermesh);
    const before = await signIn(usermesh, stranger);
    await usermesh.api.post("auth/password-reset-request", { email: stranger.email });
    const reset = linkToken(await mailTo(usermesh, stranger.email, /reset-password/));

    const { status, body } = await signInAs({ sub: sub(), email: stranger.email, email_verified: true });
    expect([status, body.data.user.id, body.data.user.is_verified]).toEqual([200, stranger.id, true]);

    expect(await usermesh.api.get("users/me", before.access)).toBeProblem(401, "session_ended");
    expect((await usermesh.api.post("auth/refresh", { refresh_token: before.refresh })).status).toBe(401);
    const { email, password } = stranger;
    expect(await usermesh.api.post("auth/login", { email, password })).toBeProblem(401, "invalid_credentials");
    const late = await usermesh.api.post("auth/password-reset-confirm", {
      token: reset,
      new_password: newPerson().password,
    });
    expect(late).toBeProblem(400, "token_invalid");
    await usermesh.settled();
    expect((await usermesh.api.get("users/me", body.data.access_token)).body.data.is_verified).toBe(true);
    await mailTo(usermesh, stranger.email, /password/i);
  });
});

describe("an identity", () => {
  test("signs in to its account even if the provider reports another email later", async () => {
    const claims = { sub: sub(), email: newPerson().email, email_verified: true };
    const first = await signInAs(claims);
    const second = await signInAs({ ...claims, email: newPerson().email });
    expect(second.body.data.user).toMatchObject({ id: first.body.data.user.id, email: claims.email });
  });

  test("that was imported signs in to its account, whether or not its issuer ends with a slash", async () => {
    const [plain, slash] = [sub(), sub()];
    const line = (email: string, issuer: string) => ({ email, identities: [{ issuer, sub: email }] });
    const file = await written([line(plain, provider.issuer), line(slash, `${provider.issuer}/`)]);
    expect((await runImport(usermesh, file)).imported).toBe(2);
    for (const email of [plain, slash]) {
      const { status, body } = await signInAs({ sub: email, email: newPerson().email, email_verified: true });
      expect([status, body.data?.user?.email]).toEqual([200, email]);
    }
  });

  test("does not replace another identity of the same provider with the same email", async () => {
    const claims = { sub: sub(), email: newPerson().email, email_verified: true };
    expect((await signInAs(claims)).status).toBe(200);
    expect(await signInAs({ ...claims, sub: sub() })).toBeProblem(409, "email_taken");
  });

  test("is released after eleven minutes if its account was never created", async () => {
    const claims = { sub: sub(), email: newPerson().email, email_verified: true };
    const [tenant] = await usermesh.database.query<{ id: string }>(
      "SELECT id FROM users.tenants WHERE slug = 'default'",
    );
    await usermesh.database.query(
      "INSERT INTO auth.identities (tenant_id, issuer, sub, user_id) VALUES ($1, $2, $3, gen_random_uuid())",
      [tenant?.id, provider.issuer, claims.sub],
    );
    expect((await signInAs(claims)).status).toBe(503);
    await usermesh.database.query(
      "UPDATE auth.identities SET created_at = created_at - interval '12 minutes' WHERE sub = $1",
      [claims.sub],
    );
    expect((await signInAs(claims)).status).toBe(200);
  });

  test("sets the authentication method of the session", async () => {
    const { body } = await signInAs({ sub: sub(), email: newPerson().email, email_verified: true });
    const payload = JSON.parse(Buffer.from(body.data.access_token.split(".")[1], "base64url").toString());
    expect(payload.amr).toEqual(["fed"]);
  });

  test("with an invalid name creates an account without a name", async () => {
    const claims = { sub: sub(), email: newPerson().email, email_verified: true, name: "Ada\u0000" };
    expect((await signInAs(claims)).body.data.user.full_name).toBeNull();
  });
});

test("an identity belongs to a separate account in each tenant", async () => {
  const { slug, id } = await newTenant(usermesh, await vendorOf(usermesh));
  const claims = { sub: sub(), email: newPerson().email, email_verified: true };
  const [here, there] = [
    await signInAs(claims),
    await signInBy(usermesh.api, "liar", provider, claims, `?tenant=${slug}`),
  ];
  expect([here.status, there.status, there.body.data.user.tenant_id]).toEqual([200, 200, id]);
  expect(there.body.data.user.id).not.toBe(here.body.data.user.id);
  const again = await signInBy(usermesh.api, "liar", provider, claims, `?tenant=${slug}`);
  expect(again.body.data.user.id).toBe(there.body.data.user.id);
});

describe("a provider with an issuer for each tenant", () => {
  const issuerOf = (tid: string) => entra.issuer.replace("organizations", tid);
  const from = (tid: string, claims: object = {}) =>
    signInBy(usermesh.api, "entra", entra, {
      sub: "same",
      email: newPerson().email,
      iss: issuerOf(tid),
      tid,
      ...claims,
    });

  test("signs in users of the listed tenants, and the same `sub` in two tenants is two users", async () => {
    const { email } = newPerson();
    const first = await from(ours, { sub: "1", email });
    expect([first.status, first.body.data.user]).toMatchObject([200, { email, is_verified: true }]);
    const [again, other] = [await from(ours, { sub: "1" }), await from(partner, { sub: "1" })];
    expect(again.body.data.user.id).toBe(first.body.data.user.id);
    expect(other.body.data.user.id).not.toBe(first.body.data.user.id);
    const identities = await usermesh.api.get("auth/identities", first.body.data.access_token);
    expect(identities.body.data).toMatchObject([{ provider: "entra", email }]);
  });

  test.each([
    ["another tenant", () => ({ iss: issuerOf(foreign), tid: foreign })],
    ["the issuer of another tenant", () => ({ iss: issuerOf(foreign), tid: ours })],
    ["the tenant of another issuer", () => ({ iss: issuerOf(ours), tid: partner })],
    ["the template itself", () => ({ iss: issuerOf("{tenantid}"), tid: "{tenantid}" })],
    ["no tenant", () => ({ iss: issuerOf(ours), tid: undefined })],
    ["a tenant that is a path", () => ({ iss: issuerOf("../x"), tid: "../x" })],
    ["another nonce", () => ({ nonce: "another" })],
  ])("refuses %s", async (_, claims) => {
    const before = await usermesh.rowCounts();
    expect(await from(ours, { sub: newPerson().email, ...claims() })).toBeProblem(400, "oauth_failed");
    expect(await usermesh.rowCounts()).toMatchObject({ "users.users": before["users.users"] });
  });

  test("signs in users of all tenants if all are allowed, and trusts none of them with another's address", async () => {
    const sign = (tid: string, email: string) =>
      signInBy(usermesh.api, "anyone", anyone, {
        sub: "1",
        email,
        tid,
        iss: anyone.issuer.replace("organizations", tid),
      });
    const [one, two] = [await sign(ours, newPerson().email), await sign(foreign, newPerson().email)];
    expect([one.status, two.status]).toEqual([200, 200]);
    expect(one.body.data.user.id).not.toBe(two.body.data.user.id);
    const person = await register(usermesh);
    await verifyAddress(usermesh, person);
    expect(await sign(partner, person.email)).toBeProblem(409, "email_taken");
  });

  test("without its tenants says to the person that trying again is no use, and to the log what to set", async () => {
    const answer = await usermesh.api.get("auth/oauth/our-entra");
    expect(answer).toBeProblem(500, "internal_error");
    expect(answer.body.detail).toBe(
      "Sign-in with our-entra is not set up correctly. Sign in another way, or tell your administrator.",
    );
    expect(answer.headers.get("retry-after")).toBeNull();
    const lines: string[] = [];
    const log = pino({}, { write: (line: string) => void lines.push(line) });
    const { find, authorizeUrl } = createOAuthProviders({ config: usermesh.platform.config, clock: systemClock, log });
    const secrets = { state: "state", nonce: "nonce", verifier: "verifier" };
    await expect(authorizeUrl(find("our-entra"), secrets, false)).rejects.toThrow("not set up correctly");
    expect(lines).toEqual([expect.stringContaining("OAUTH_OUR_ENTRA_TENANTS")]);
  });

  test("is trusted with addresses by configuration: its users join the account that has verified the same address", async () => {
    const person = await register(usermesh);
    await verifyAddress(usermesh, person);
    const { body } = await from(ours, { sub: newPerson().email, email: person.email });
    expect(body.data.user.id).toBe(person.id);
    const denied = await from(ours, { sub: newPerson().email, email: person.email, email_verified: false });
    expect(denied).toBeProblem(409, "email_taken");
  });
});

describe("a provider that returns with a form", () => {
  /** Acts as a browser: the cookie is `SameSite=Lax`, so a POST from another site does not carry it. */
  async function post(fields: Readonly<Record<string, string>>) {
    return fetch(`${usermesh.url}/api/v1/auth/oauth/apple/callback`, {
      method: "POST",
      redirect: "manual",
      headers: { origin: new URL(apple.issuer).origin },
      body: new URLSearchParams(fields),
    });
  }

  test("is asked to use a form, which signs in after a redirect, with the name that the form contains", async () => {
    const way = await begin(usermesh.api, "apple");
    const asked = new URL(way.authorizeUrl).searchParams;
    expect([asked.get("response_mode"), asked.get("scope")]).toEqual(["form_post", "openid email name"]);
    const { email } = newPerson();
    const code = apple.issue(way.authorizeUrl, { sub: email, email, email_verified: "true" });
    const user = JSON.stringify({ name: { firstName: "Ada", lastName: "Lovelace" }, email: "else@example.com" });
    const answer = await post({ state: way.state, code, user, session_state: "unknown" });
    const location = answer.headers.get("location") ?? "";
    expect([answer.status, new URL(location).pathname]).toEqual([303, "/api/v1/auth/oauth/apple/callback"]);
    const path = `auth/oauth/apple/callback${new URL(location).search}`;
    const refused = await usermesh.api.request("GET", path, {});
    expect(refused).toBeProblem(400, "oauth_state_invalid");
    const { status, body } = await usermesh.api.request("GET", path, { headers: { cookie: way.cookie ?? "" } });
    expect([status, body.data.user]).toMatchObject([200, { email, full_name: "Ada Lovelace", is_verified: true }]);
  });

  test("says that nothing has changed if the person cancels there", async () => {
    const way = await begin(usermesh.api, "apple");
    const answer = await post({ state: way.state, error: "user_cancelled_authorize" });
    const path = `auth/oauth/apple/callback${new URL(answer.headers.get("location") ?? "").search}`;
    const cancelled = await usermesh.api.request("GET", path, { headers: { cookie: way.cookie ?? "" } });
    expect(cancelled).toBeProblem(400, "oauth_failed");
    expect(cancelled.body.detail).toContain("was cancelled at the provider");
  });

  test.each(["null", "{", '{"name":7}', "[]"])("ignores the unusable user %s", async (user) => {
    const way = await begin(usermesh.api, "apple");
    const { email } = newPerson();
    const code = apple.issue(way.authorizeUrl, { sub: email, email, email_verified: true });
    const location = (await post({ state: way.state, code, user })).headers.get("location") ?? "";
    const path = `auth/oauth/apple/callback${new URL(location).search}`;
    const { status, body } = await usermesh.api.request("GET", path, { headers: { cookie: way.cookie ?? "" } });
    expect([status, body.data.user.full_name]).toEqual([200, null]);
  });
});
