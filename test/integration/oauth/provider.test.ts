import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { findFreePort } from "../../../scripts/local-servers/ports.ts";
import { beginLink, newPkce } from "../../support/data/oauth-flow.ts";
import { createBrowser, type OidcProvider, startOidcProvider } from "../../support/fakes/oidc-provider.ts";
import { linkToken, mailTo, newPerson, register, signIn } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

const appUrl = "https://app.example.com/signed-in";
let usermesh: Usermesh;
let provider: OidcProvider;

beforeAll(async () => {
  const port = await findFreePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  provider = await startOidcProvider(`${publicUrl}/api/v1/auth/oauth/company/callback`);
  usermesh = await startUsermesh({
    APP_PORT: String(port),
    PUBLIC_URL: publicUrl,
    OAUTH_COMPANY_ISSUER: provider.issuer,
    OAUTH_COMPANY_CLIENT_ID: "usermesh",
    OAUTH_COMPANY_CLIENT_SECRET: "usermesh-secret",
    OAUTH_AWAY_ISSUER: `http://127.0.0.1:${await findFreePort()}`,
    OAUTH_AWAY_CLIENT_ID: "usermesh",
    OAUTH_RETURN_URLS: appUrl,
    CIRCUIT_BREAKER_FAILURES: "5",
  });
});
afterAll(async () => {
  await usermesh.stop();
  await provider.stop();
});

const address = (name = "ada") => `${name}.${randomBytes(6).toString("hex")}@example.com`;
const startUrl = (query = "") => `${usermesh.url}/api/v1/auth/oauth/company${query}`;

async function signInAs(email: string, query = "") {
  const { status, text } = await createBrowser(email).open(startUrl(query));
  return { status, body: JSON.parse(text) };
}

describe("signing in with a real OpenID Connect provider", () => {
  test("creates a verified account with valid tokens, and mails no verification link", async () => {
    const email = address();
    const { status, body } = await signInAs(email);
    expect([status, body.data?.status]).toEqual([200, "signed_in"]);
    expect(body.data.user).toMatchObject({ email, is_verified: true, full_name: "Ada of the Provider" });
    expect((await usermesh.api.get("users/me", body.data.access_token)).body.data.email).toBe(email);
    expect((await usermesh.api.post("auth/refresh", { refresh_token: body.data.refresh_token })).status).toBe(200);
    await usermesh.settled();
    expect(usermesh.mails().some((mail) => mail.to.includes(email))).toBe(false);
  });

  test("signs in to the same account the next time", async () => {
    const email = address();
    const [first, second] = [await signInAs(email), await signInAs(email)];
    expect(second.body.data.user.id).toBe(first.body.data.user.id);
    expect(second.body.data.session_id).not.toBe(first.body.data.session_id);
  });

  test("links the identity to the account that has verified the same email", async () => {
    const person = await register(usermesh);
    const token = linkToken(await mailTo(usermesh, person.email, /verify-email/));
    expect((await usermesh.api.post("auth/verify-email", { token, password: person.password })).status).toBe(200);
    const { body } = await signInAs(person.email.toUpperCase().replace("EXAMPLE.COM", "example.com"));
    expect(body.data.user.id).toBe(person.id);
    expect((await signIn(usermesh, person)).access).not.toBe("");
  });

  test("redirects to the client with a code that can be exchanged once", async () => {
    const email = address();
    const { verifier: code_verifier, query } = newPkce();
    const start = startUrl(`?return_to=${encodeURIComponent(appUrl)}&${query}&state=mine`);
    const arrival = await createBrowser(email).open(start, appUrl);
    const { code, state } = Object.fromEntries(new URL(arrival.url).searchParams);
    expect(state).toBe("mine");
    const exchanged = { code, code_verifier, device_name: "Engine" };
    const { status, body } = await usermesh.api.post("auth/oauth/exchange", exchanged);
    expect([status, body.data.user.email]).toEqual([200, email]);
    expect(await usermesh.api.post("auth/oauth/exchange", { code })).toBeProblem(400, "oauth_code_invalid");
  });

  test("is a recent sign-in if the provider has asked for the password again", async () => {
    const email = address();
    const [usual, stepUp] = [await signInAs(email), await signInAs(email, "?step_up=true")];
    const { email: next } = newPerson("next");
    const change = (access: string) => usermesh.api.patch("users/me", { email: next }, access);
    expect(await change(usual.body.data.access_token)).toBeProblem(401, "step_up_required");
    expect((await change(stepUp.body.data.access_token)).status).toBe(200);
  });

  test("is refused with 403 for a disabled account", async () => {
    const email = address();
    const { user } = (await signInAs(email)).body.data;
    const admin = await signIn(usermesh, usermesh.admin);
    await usermesh.api.put(`admin/users/${user.id}/status`, { is_active: false }, admin.access);
    expect(await signInAs(email)).toBeProblem(403, "account_disabled");
  });
});

describe("linking a provider", () => {
  test("works for a client with a Bearer token whose browser has no session, and the identity can then sign in", async () => {
    const person = await register(usermesh);
    const { access } = await signIn(usermesh, person);
    const email = address("work");
    const { authorizeUrl } = await beginLink(usermesh.api, "company", access);
    const arrival = await createBrowser(email).open(authorizeUrl);
    expect(JSON.parse(arrival.text).data).toEqual({ status: "linked", provider: "company", email });
    const listed = await usermesh.api.get("auth/identities", access);
    expect(listed.body.data).toMatchObject([{ provider: "company", email }]);
    expect((await signInAs(email)).body.data.user.id).toBe(person.id);
    expect((await usermesh.api.get("users/me", access)).body.data.email).toBe(person.email);
  });

  test("with a return_to is completed by the session that started it", async () => {
    const [person, other] = [await register(usermesh), await register(usermesh)];
    const [mine, foreign] = [await signIn(usermesh, person), await signIn(usermesh, other)];
    const { authorizeUrl } = await beginLink(usermesh.api, "company", mine.access, { return_to: appUrl });
    const arrival = await createBrowser(address("work")).open(authorizeUrl, appUrl);
    const code = new URL(arrival.url).searchParams.get("code");
    expect((await usermesh.api.get("auth/identities", mine.access)).body.data).toEqual([]);
    for (const token of [undefined, foreign.access]) {
      expect(await usermesh.api.post("auth/oauth/exchange", { code }, token)).toBeProblem(400, "oauth_code_invalid");
    }
    const linked = await usermesh.api.post("auth/oauth/exchange", { code }, mine.access);
    expect([linked.status, linked.body.data.status]).toEqual([200, "linked"]);
    expect((await usermesh.api.get("auth/identities", mine.access)).body.data).toHaveLength(1);
  });

  test("can be undone, except for the last way to sign in", async () => {
    const { access_token: token, user } = (await signInAs(address())).body.data;
    expect(await usermesh.api.delete("auth/identities/company", token)).toBeProblem(409, "last_sign_in_method");
    await usermesh.api.post("auth/password-reset-request", { email: user.email });
    const reset = linkToken(await mailTo(usermesh, user.email, /reset-password/));
    const { password } = newPerson();
    await usermesh.api.post("auth/password-reset-confirm", { token: reset, new_password: password });
    const { access } = await signIn(usermesh, { email: user.email, password });
    expect((await usermesh.api.delete("auth/identities/company", access)).status).toBe(200);
    expect((await usermesh.api.delete("auth/identities/company", access)).status).toBe(404);
    expect((await usermesh.api.get("auth/identities", access)).body.data).toEqual([]);
  });
});

describe("a wrong request", () => {
  test.each([
    ["an unconfigured provider", "auth/oauth/nobody", 404, "not_found"],
    ["an unknown tenant", "auth/oauth/company?tenant=nowhere", 422, "validation_failed"],
    ["a provider that is away", "auth/oauth/away", 503, "service_unavailable"],
  ] as const)("%s is told, and nothing is kept of it", async (_, path, status, code) => {
    const before = await usermesh.rowCounts();
    expect(await usermesh.api.get(path)).toBeProblem(status, code);
    expect((await usermesh.rowCounts())["auth.oauth_states"]).toBe(before["auth.oauth_states"]);
  });

  test("a provider that is away, again and again, does not keep people from signing in with another", async () => {
    for (let n = 0; n < 25; n += 1)
      expect(await usermesh.api.get("auth/oauth/away")).toBeProblem(503, "service_unavailable");
    expect((await signInAs(address())).status).toBe(200);
  });

  test("a provider that is away is named", async () => {
    const { headers, body } = await usermesh.api.get("auth/oauth/away");
    expect(body.detail).toContain("The provider away is not responding");
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
  });

  test("health counts the linked accounts by provider", async () => {
    const { body } = await usermesh.api.get("/health");
    expect(body.metrics.oauth_providers.company).toBeGreaterThan(0);
    expect(body.metrics.oauth_providers.away).toBe(0);
  });
});
