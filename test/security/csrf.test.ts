import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type BrowserClient, createBrowserClient } from "../support/clients/browser-client.ts";
import { newPerson, register, signIn } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

let usermesh: Usermesh;
let browser: BrowserClient;
let other: BrowserClient;
const person = newPerson();
const oldKey = "old-secret-".repeat(4);
const newKey = "new-secret-".repeat(4);

beforeAll(async () => {
  usermesh = await startUsermesh({
    ALLOWED_ORIGINS: "https://app.example.com",
    SECRET_KEY: `k2:${newKey},k1:${oldKey}`,
  });
  await register(usermesh, person);
  [browser, other] = await Promise.all([signedIn(), signedIn()]);
});
afterAll(() => usermesh.stop());

async function signedIn(): Promise<BrowserClient> {
  const one = createBrowserClient(usermesh.api);
  await one.request("POST", "auth/login", { body: { ...person, use_cookies: true } });
  return one;
}

const change = (headers: Record<string, string>) =>
  browser.request("PATCH", "users/me", { body: { bio: "changed by another site" }, headers });
const token = () => browser.cookies.get("csrf_token") ?? "";

describe("a request that another site makes the browser send", () => {
  test.each([
    ["no token", () => ({})],
    ["an empty token", () => ({ "x-csrf-token": "" })],
    ["an invented token", () => ({ "x-csrf-token": "A".repeat(43) })],
    ["the token of another session", () => ({ "x-csrf-token": other.cookies.get("csrf_token") ?? "" })],
    ["the right token from a foreign origin", () => ({ "x-csrf-token": token(), origin: "https://evil.example.com" })],
    ["the right token from a sandboxed page", () => ({ "x-csrf-token": token(), origin: "null" })],
    [
      "the right token from an origin that starts like ours",
      () => ({
        "x-csrf-token": token(),
        origin: `${usermesh.url}.evil.example.com`,
      }),
    ],
  ])("%s: 403, and nothing changes", async (_, headers) => {
    expect(await change(headers())).toBeProblem(403, "csrf_failed");
    expect((await browser.request("GET", "users/me")).body.data.bio).toBeNull();
  });

  test("a planted pair of cookie and header is refused", async () => {
    const cookie = `access_token=${browser.cookies.get("access_token")}; csrf_token=planted`;
    const answer = await usermesh.api.request("PATCH", "users/me", {
      body: { bio: "planted" },
      headers: { cookie, "x-csrf-token": "planted" },
    });
    expect(answer).toBeProblem(403, "csrf_failed");
  });

  test.each(["auth/refresh", "auth/logout", "auth/logout-all"])("%s is protected as well", async (path) => {
    const answer = await browser.request("POST", path, path === "auth/logout-all" ? {} : { body: {} });
    expect(answer).toBeProblem(403, "csrf_failed");
  });

  test("another site cannot sign the browser in to the attacker's account", async () => {
    const answer = await usermesh.api.request("POST", "auth/login", {
      body: { ...person, use_cookies: true },
      headers: { origin: "https://evil.example.com" },
    });
    expect(answer).toBeProblem(403, "csrf_failed");
  });
});

describe("a request from an allowed page", () => {
  test("from our origin or ALLOWED_ORIGINS succeeds with the session's token", async () => {
    for (const origin of [usermesh.url, "https://app.example.com"])
      expect((await change({ "x-csrf-token": token(), origin })).status).toBe(200);
  });

  test("succeeds with a token from before the key rotation", async () => {
    const { createHmac, hkdfSync } = await import("node:crypto");
    const key = Buffer.from(hkdfSync("sha256", oldKey, "usermesh", "v1/csrf/mac", 32));
    const { data } = (await browser.request("GET", "auth/me")).body;
    const old = createHmac("sha256", key).update(data.session.id).digest("base64url");
    const cookie = `access_token=${browser.cookies.get("access_token")}; csrf_token=${old}`;
    const answer = await usermesh.api.request("PATCH", "users/me", {
      body: { bio: "by the old key" },
      headers: { cookie, "x-csrf-token": old },
    });
    expect(answer.status).toBe(200);
  });

  test("with a Bearer token needs no CSRF token, because browsers do not send it by themselves", async () => {
    const { access } = await signIn(usermesh, person);
    const cookie = `access_token=${browser.cookies.get("access_token")}`;
    const answer = await usermesh.api.request("PATCH", "users/me", {
      body: { bio: "b" },
      token: access,
      headers: { cookie },
    });
    expect(answer.status).toBe(200);
  });
});
