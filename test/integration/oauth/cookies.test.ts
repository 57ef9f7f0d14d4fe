import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type BrowserClient, createBrowserClient } from "../../support/clients/browser-client.ts";
import { type MaliciousProvider, startMaliciousProvider } from "../../support/fakes/malicious-provider.ts";
import { newPerson, register, signIn } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

const appUrl = "https://app.example.com/signed-in";
let usermesh: Usermesh;
let provider: MaliciousProvider;

beforeAll(async () => {
  provider = await startMaliciousProvider();
  usermesh = await startUsermesh({
    OAUTH_LIAR_ISSUER: provider.issuer,
    OAUTH_LIAR_CLIENT_ID: "usermesh",
    OAUTH_LIAR_CLIENT_SECRET: "secret",
    OAUTH_RETURN_URLS: appUrl,
  });
});
afterAll(async () => {
  await usermesh.stop();
  await provider.stop();
});

const someone = () => ({ sub: newPerson().email, email: newPerson().email, email_verified: true });
const returnTo = `return_to=${encodeURIComponent(appUrl)}`;

/** Completes a flow in one browser. */
async function completeFlow(browser: BrowserClient, query: string, claims = someone()) {
  const begun = await browser.request("GET", `auth/oauth/liar?${query}`);
  const asked = begun.headers.get("location") ?? "";
  const back = new URLSearchParams({ state: new URL(asked).searchParams.get("state") ?? "" });
  back.set("code", provider.issue(asked, claims));
  return browser.request("GET", `auth/oauth/liar/callback?${back}`);
}

const codeIn = (location: string | null) => new URL(location ?? "").searchParams.get("code");

describe("a browser that keeps its session in cookies", () => {
  test("returns to its page signed in, without a code or token in the address", async () => {
    const browser = createBrowserClient(usermesh.api);
    const claims = someone();
    const back = await completeFlow(browser, `use_cookies=true&${returnTo}`, claims);
    expect([back.status, back.headers.get("location")]).toEqual([302, appUrl]);
    expect((await browser.request("GET", "users/me")).body.data.email).toBe(claims.email);
    expect((await browser.own("PATCH", "users/me", { bio: "By cookies" })).status).toBe(200);
    expect((await browser.own("POST", "auth/logout")).status).toBe(200);
  });

  test("without a return_to gets no token in the body but the CSRF token", async () => {
    const browser = createBrowserClient(usermesh.api);
    const { status, body } = await completeFlow(browser, "use_cookies=true");
    expect([status, body.data.status]).toEqual([200, "signed_in"]);
    expect(Object.keys(body.data)).not.toEqual(expect.arrayContaining(["access_token"]));
    expect(Object.keys(body.data)).not.toEqual(expect.arrayContaining(["refresh_token"]));
    expect(browser.cookies.get("csrf_token")).toBe(body.data.csrf_token);
  });

  test("gets no session cookies if it does not ask for them", async () => {
    const browser = createBrowserClient(usermesh.api);
    const { body } = await completeFlow(browser, "");
    expect(body.data.access_token).toMatch(/^eyJ/);
    expect([...browser.cookies.keys()]).toEqual(["usermesh_oauth"]);
  });

  test("ends its former session when it signs in again [V7.2.4]", async () => {
    const browser = createBrowserClient(usermesh.api);
    const claims = someone();
    const exchange = async () => {
      const code = codeIn((await completeFlow(browser, returnTo, claims)).headers.get("location"));
      return browser.own("POST", "auth/oauth/exchange", { code, use_cookies: true });
    };
    for (const again of [exchange, () => completeFlow(browser, "use_cookies=true", claims), exchange]) {
      const former = browser.cookies.get("access_token");
      expect((await again()).status).toBe(200);
      if (former === undefined) continue;
      const headers = { cookie: `access_token=${former}` };
      expect(await usermesh.api.request("GET", "users/me", { headers })).toBeProblem(401, "session_ended");
    }
    expect((await browser.request("GET", "users/me")).status).toBe(200);
  });

  test("can exchange its code for cookies", async () => {
    const browser = createBrowserClient(usermesh.api);
    const code = codeIn((await completeFlow(browser, returnTo)).headers.get("location"));
    const body = { code, use_cookies: true, device_name: "Engine" };
    const answer = await browser.request("POST", "auth/oauth/exchange", { body });
    expect([answer.status, "access_token" in answer.body.data]).toEqual([200, false]);
    expect((await browser.request("GET", "users/me")).status).toBe(200);
  });

  test("cannot exchange a code of another browser's sign-in (login CSRF)", async () => {
    const attacker = createBrowserClient(usermesh.api);
    const code = codeIn((await completeFlow(attacker, returnTo)).headers.get("location"));
    const victim = createBrowserClient(usermesh.api);
    await completeFlow(victim, returnTo);
    for (const browser of [victim, createBrowserClient(usermesh.api)]) {
      const body = { code, use_cookies: true };
      const answer = await browser.request("POST", "auth/oauth/exchange", { body });
      expect([answer.status, answer.body.code, browser.cookies.has("access_token")]).toEqual([
        400,
        "oauth_code_invalid",
        false,
      ]);
    }
    // The attempt has not spent the code.
    expect((await attacker.request("POST", "auth/oauth/exchange", { body: { code } })).status).toBe(200);
  });

  test("does not exchange a code for a page of another origin (CSRF)", async () => {
    const browser = createBrowserClient(usermesh.api);
    const code = codeIn((await completeFlow(browser, returnTo)).headers.get("location"));
    const headers = { origin: "https://evil.example" };
    const answer = await browser.request("POST", "auth/oauth/exchange", { body: { code, use_cookies: true }, headers });
    expect(answer).toBeProblem(403, "csrf_failed");
  });

  test("cannot send the browser binding as a field", async () => {
    const answer = await usermesh.api.post("auth/oauth/exchange", { code: "x", browser_binding: "y" });
    expect(answer).toMatchObject({
      status: 422,
      body: { errors: [{ field: "browser_binding", code: "unknown_field" }] },
    });
  });

  test("keeps its session when it exchanges the code of a link", async () => {
    const person = await register(usermesh);
    const { access } = await signIn(usermesh, person);
    const linking = await usermesh.api.post("auth/identities/liar", { return_to: appUrl }, access);
    const asked: string = linking.body.data.authorize_url;
    const back = new URLSearchParams({ state: new URL(asked).searchParams.get("state") ?? "" });
    back.set("code", provider.issue(asked, someone()));
    const arrival = await usermesh.api.get(`auth/oauth/liar/callback?${back}`);
    const body = { code: codeIn(arrival.headers.get("location")), use_cookies: true };
    const answer = await usermesh.api.post("auth/oauth/exchange", body, access);
    expect([answer.status, answer.body.data.status, answer.headers.getSetCookie()]).toEqual([200, "linked", []]);
  });
});
