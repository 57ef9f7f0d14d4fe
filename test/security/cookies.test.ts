import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type BrowserClient, createBrowserClient } from "../support/clients/browser-client.ts";
import { startMaliciousProvider } from "../support/fakes/malicious-provider.ts";
import { newPerson, register } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

let usermesh: Usermesh;
const person = newPerson();
beforeAll(async () => {
  usermesh = await startUsermesh();
  await register(usermesh, person);
});
afterAll(() => usermesh.stop());

const signedInBrowser = async (): Promise<BrowserClient> => {
  const browser = createBrowserClient(usermesh.api);
  expect((await browser.request("POST", "auth/login", { body: { ...person, use_cookies: true } })).status).toBe(200);
  return browser;
};

describe("a session in cookies", () => {
  test("hides its tokens from scripts: HttpOnly, and not in the response", async () => {
    const browser = createBrowserClient(usermesh.api);
    const { body } = await browser.request("POST", "auth/login", { body: { ...person, use_cookies: true } });
    expect(Object.keys(body.data)).not.toContain("access_token");
    expect(Object.keys(body.data)).not.toContain("refresh_token");
    const [access, refresh, csrf] = browser.setCookies;
    for (const line of [access, refresh])
      expect(line).toMatch(/_token=\S+; Max-Age=\d+; Path=\/; SameSite=Lax; HttpOnly$/);
    expect(csrf).toMatch(/^csrf_token=[\w-]{43}; Max-Age=\d+; Path=\/; SameSite=Lax$/);
    expect(browser.cookies.get("csrf_token")).toBe(body.data.csrf_token);
  });

  test("is created only on request", async () => {
    const answer = await usermesh.api.post("auth/login", person);
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(answer.body.data.access_token).toMatch(/^eyJ/);
  });

  test("works for requests, refresh and sign-out without tokens in the body", async () => {
    const browser = await signedInBrowser();
    expect((await browser.request("GET", "users/me")).body.data.email).toBe(person.email);
    const before = browser.cookies.get("refresh_token");
    const refreshed = await browser.own("POST", "auth/refresh", {});
    expect([refreshed.status, "refresh_token" in refreshed.body.data]).toEqual([200, false]);
    expect(browser.cookies.get("refresh_token")).not.toBe(before);
    const stolen = new Map(browser.cookies);
    expect((await browser.own("POST", "auth/logout")).status).toBe(200);
    expect([...browser.cookies.keys()]).toEqual(["device_token"]);
    const replay = await usermesh.api.request("GET", "users/me", {
      headers: { cookie: `access_token=${stolen.get("access_token")}` },
    });
    expect(replay).toBeProblem(401, "session_ended");
  });

  test("ends when the browser signs in again [V7.2.4]; a refused sign-in ends nothing", async () => {
    const browser = await signedInBrowser();
    const former = browser.cookies.get("access_token");
    const byFormer = () => usermesh.api.request("GET", "users/me", { headers: { cookie: `access_token=${former}` } });
    const wrong = { ...person, password: "Wrong-1-horse", use_cookies: true };
    expect((await browser.request("POST", "auth/login", { body: wrong })).status).toBe(401);
    expect((await byFormer()).status).toBe(200);
    const again = { ...person, use_cookies: true };
    expect((await browser.request("POST", "auth/login", { body: again })).status).toBe(200);
    expect(await byFormer()).toBeProblem(401, "session_ended");
    expect((await browser.request("GET", "users/me")).status).toBe(200);
  });

  test.each(["x", "v1.k1.x.0.y", `v1.k1.${"0".repeat(8)}-0000-7000-8000-${"0".repeat(12)}.0.${"A".repeat(43)}`])(
    "with the refresh cookie %s does not keep a browser from signing in",
    async (refresh_token) => {
      const body = { ...person, use_cookies: true };
      const headers = { cookie: `refresh_token=${refresh_token}` };
      expect((await usermesh.api.request("POST", "auth/login", { body, headers })).status).toBe(200);
    },
  );

  test("that is to be replaced is not named by a field", async () => {
    const body = { ...person, use_cookies: true, replaced_refresh_token: "x" };
    const answer = await usermesh.api.post("auth/login", body);
    expect([answer.status, answer.body.errors?.[0]?.field]).toEqual([422, "replaced_refresh_token"]);
  });

  test("can be ended with the refresh cookie alone", async () => {
    const browser = await signedInBrowser();
    (browser.cookies as Map<string, string>).delete("access_token");
    expect((await browser.own("POST", "auth/logout")).status).toBe(200);
    expect([...browser.cookies.keys()]).toEqual(["device_token"]);
  });

  test("can be created from a refresh token in the body", async () => {
    const { body } = await usermesh.api.post("auth/login", person);
    const browser = createBrowserClient(usermesh.api);
    const answer = await browser.request("POST", "auth/refresh", {
      body: { refresh_token: body.data.refresh_token, use_cookies: true },
    });
    expect([answer.status, browser.cookies.has("refresh_token"), "refresh_token" in answer.body.data]).toEqual([
      200,
      true,
      false,
    ]);
  });

  test("is required for a refresh without a body: the missing field is named", async () => {
    const { status, body } = await usermesh.api.post("auth/refresh", {});
    expect([status, body.errors?.[0]]).toMatchObject([422, { field: "refresh_token", code: "required" }]);
  });
});

test("on https all cookies are Secure and bound to the host, and other sites' pages can have them partitioned", async () => {
  const page = "https://app.example.org";
  const provider = await startMaliciousProvider();
  const secure = await startUsermesh({
    PUBLIC_URL: "https://accounts.example.com",
    ALLOWED_ORIGINS: page,
    COOKIE_SAME_SITE: "none",
    OAUTH_LIAR_ISSUER: provider.issuer,
    OAUTH_LIAR_CLIENT_ID: "usermesh",
  });
  try {
    await register(secure, person);
    const browser = createBrowserClient(secure.api);
    await browser.request("POST", "auth/login", { body: { ...person, use_cookies: true } });
    expect(browser.setCookies.map((line) => line.split("=")[0])).toEqual([
      "__Host-access_token",
      "__Host-refresh_token",
      "__Host-csrf_token",
      "__Host-tenant",
      "__Host-device_token",
    ]);
    for (const line of browser.setCookies)
      expect(line).toMatch(/; Path=\/; SameSite=None; Secure; Partitioned(; HttpOnly)?$/);
    expect((await browser.request("GET", "users/me")).status).toBe(200);
    const csrf = browser.cookies.get("__Host-csrf_token") ?? "";
    const changed = await browser.request("PATCH", "users/me", {
      body: { full_name: "Ada" },
      headers: { "x-csrf-token": csrf, origin: page },
    });
    expect([changed.status, changed.headers.get("access-control-allow-origin")]).toEqual([200, page]);
    for (const headers of [{ origin: page }, { "x-csrf-token": csrf, origin: "https://evil.example" }] as const)
      expect(await browser.request("PATCH", "users/me", { body: {}, headers })).toBeProblem(403, "csrf_failed");
    const planted = await secure.api.request("GET", "users/me", {
      headers: { cookie: `access_token=${browser.cookies.get("__Host-access_token")}` },
    });
    expect(planted.status).toBe(401);
    const out = await browser.request("POST", "auth/logout", { headers: { "x-csrf-token": csrf, origin: page } });
    expect([out.status, [...browser.cookies.keys()]]).toEqual([200, ["__Host-device_token"]]);
    for (const line of browser.setCookies) expect(line).toContain("; Partitioned");
    // These return with a navigation from a provider or a mail, with which partitioned cookies would not be sent.
    const bindings = [await secure.api.post("auth/register", newPerson()), await secure.api.get("auth/oauth/liar")];
    expect(bindings.flatMap(({ headers }) => headers.getSetCookie())).toEqual(
      ["registration", "oauth"].map((name) =>
        expect.stringMatching(
          `^__Host-usermesh_${name}=[\\w-]+; Max-Age=\\d+; Path=/; HttpOnly; SameSite=Lax; Secure$`,
        ),
      ),
    );
  } finally {
    await secure.stop();
    await provider.stop();
  }
});
