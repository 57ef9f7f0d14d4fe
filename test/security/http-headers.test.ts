import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createBrowserClient } from "../support/clients/browser-client.ts";
import { headersOf, raw } from "../support/clients/raw-http.ts";
import { type Person, register, signIn } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

/** [ASVS V3.3, V3.4, V3.5] Headers for browsers, behind TLS, with one allowed origin. */
const app = "https://app.example.com";
let usermesh: Usermesh;
let person: Person;
let access = "";
let refresh = "";
beforeAll(async () => {
  usermesh = await startUsermesh({
    PUBLIC_URL: "https://accounts.example.com",
    ALLOWED_ORIGINS: app,
    RATE_LIMIT_ENABLED: "true",
    RATE_LIMIT_MAIL: "1/60",
  });
  const { email, password } = await register(usermesh);
  person = { email, password };
  ({ access, refresh } = await signIn(usermesh, person));
});
afterAll(() => usermesh.stop());

type Headers = Readonly<Record<string, string>>;
interface Seen {
  readonly status: number;
  readonly headers: Headers;
}

async function fetched(method: string, path: string, more: RequestInit = {}): Promise<Seen> {
  const response = await fetch(usermesh.url + path, { method, redirect: "manual", ...more });
  await response.arrayBuffer();
  return { status: response.status, headers: Object.fromEntries(response.headers) };
}

async function parsed(text: string): Promise<Seen> {
  const answer = await raw(usermesh.url, text, /$^/);
  return { status: Number(answer.split(" ")[1]), headers: headersOf(answer) };
}

/** The path of a script of a page. */
async function scriptOf(path: string): Promise<string> {
  const page = await (await fetch(usermesh.url + path)).text();
  return /<script type="module" src="([^"]+)"/.exec(page)?.[1] ?? "";
}

const json = (body: string, token = access) => ({
  body,
  headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
});
const v1 = "/api/v1";
const nothing = JSON.stringify({ email: "nobody@example.com" });

/** One response from each source: routes, checks, pages and Node's parser. */
const answers: ReadonlyArray<readonly [string, number, () => Promise<Seen>]> = [
  ["data", 200, () => fetched("GET", `${v1}/users/me`, { headers: { authorization: `Bearer ${access}` } })],
  ["HEAD", 200, () => fetched("HEAD", `${v1}/users/me`, { headers: { authorization: `Bearer ${access}` } })],
  ["OPTIONS", 200, () => fetched("OPTIONS", `${v1}/users/me`)],
  ["an export", 200, () => fetched("GET", `${v1}/users/me/export`, { headers: { authorization: `Bearer ${access}` } })],
  ["a verification page", 200, () => fetched("GET", `${v1}/auth/verify-email?token=x`)],
  ["a reset page", 200, () => fetched("GET", "/reset-password?token=x")],
  ["the documentation", 200, () => fetched("GET", "/docs")],
  ["a script", 200, async () => fetched("GET", await scriptOf("/login"))],
  ["keys", 200, () => fetched("GET", "/.well-known/jwks.json")],
  ["health", 200, () => fetched("GET", "/health")],
  ["bad JSON", 400, () => fetched("PATCH", `${v1}/users/me`, json("{"))],
  ["no token", 401, () => fetched("GET", `${v1}/users/me`)],
  ["no permission", 403, () => fetched("GET", `${v1}/admin/users`, { headers: { authorization: `Bearer ${access}` } })],
  ["no such path", 404, () => fetched("GET", "/nothing")],
  ["no such method", 405, () => fetched("DELETE", `${v1}/auth/login`)],
  ["a body too large", 413, () => fetched("PATCH", `${v1}/users/me`, json("x".repeat(70_000)))],
  [
    "an unknown content type",
    415,
    () => fetched("POST", `${v1}/auth/login`, { body: "x", headers: { "content-type": "text/xml" } }),
  ],
  ["a wrong field", 422, () => fetched("PATCH", `${v1}/users/me`, json('{"x":1}'))],
  [
    "too many requests",
    429,
    async () => {
      await fetched("POST", `${v1}/auth/password-reset-request`, json(nothing));
      return fetched("POST", `${v1}/auth/password-reset-request`, json(nothing));
    },
  ],
  ["too large headers", 431, () => parsed(`GET / HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(50_000)}\r\n\r\n`)],
  ["something that is not HTTP", 400, () => parsed("nonsense\r\n\r\n")],
];

describe.each(answers)("a response with %s (%d)", (_, status, ask) => {
  test("has the security headers", async () => {
    const seen = await ask();
    expect(seen.status).toBe(status);
    expect(seen.headers).toMatchObject({
      "strict-transport-security": "max-age=31536000; includeSubDomains",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "referrer-policy": "no-referrer",
      "content-security-policy": expect.stringMatching(/default-src 'none'.*frame-ancestors 'none'/),
      "x-correlation-id": expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(seen.headers["content-security-policy"]).not.toMatch(/unsafe|\*|https?:|(?<!img-src 'self' )data:/);
    for (const name of ["server", "x-powered-by", "x-node-id", "via"]) expect(seen.headers).not.toHaveProperty(name);
  });
});

describe("other origins [V3.4.8, V3.5.8]", () => {
  test.each(["/docs", "/redoc", "/reset-password?token=x", `${v1}/auth/verify-email?token=x`])(
    "get no hold of the window of %s",
    async (path) => {
      expect((await fetched("GET", path)).headers["cross-origin-opener-policy"]).toBe("same-origin");
    },
  );

  test.each(["/docs", "/health", "/nothing", "/assets/page.css", "/openapi.json", `${v1}/users/me`])(
    "can't embed %s",
    async (path) => {
      expect((await fetched("GET", path)).headers["cross-origin-resource-policy"]).toBe("same-origin");
    },
  );
});

describe("responses with tokens or personal data are never cached", () => {
  test.each([
    ["POST", "auth/login"],
    ["POST", "auth/refresh"],
    ["GET", "auth/me"],
    ["GET", "auth/sessions"],
    ["GET", "users/me"],
    ["GET", "users/me/profile"],
    ["GET", "users/me/preferences"],
    ["GET", "users/me/activity"],
    ["GET", "users/me/export"],
  ])("%s %s", async (method, path) => {
    const bodies: Readonly<Record<string, object>> = {
      "auth/login": person,
      "auth/refresh": { refresh_token: refresh },
    };
    const answer = await usermesh.api.request(method, path, { token: access, body: bodies[path] });
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
  });
});

describe("a page from another origin", () => {
  const foreign = [
    "https://evil.example.com",
    "https://app.example.com.evil.example",
    "https://evilapp.example.com",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://APP.example.com",
    "https://app.example.co",
    "null",
    "",
    "*",
    "https://app.example.com, https://evil.example.com",
  ];
  const allowed = (seen: Seen) => Object.keys(seen.headers).filter((name) => name.startsWith("access-control-"));

  test.each(foreign)("%j is allowed neither in responses nor in preflights", async (origin) => {
    const authorization = `Bearer ${access}`;
    const headers = { origin, authorization, "access-control-request-method": "PATCH" };
    for (const method of ["GET", "OPTIONS"])
      expect(allowed(await fetched(method, `${v1}/users/me`, { headers }))).toEqual([]);
    expect(allowed(await fetched("GET", "/nothing", { headers }))).toEqual([]);
  });

  test("in the list is allowed exactly, with Vary for caches", async () => {
    const seen = await fetched("GET", `${v1}/users/me`, {
      headers: { origin: app, authorization: `Bearer ${access}` },
    });
    expect(seen.headers).toMatchObject({
      "access-control-allow-origin": app,
      "access-control-allow-credentials": "true",
      vary: "Origin",
    });
    const other = await fetched("GET", `${v1}/users/me`, { headers: { origin: foreign[0] ?? "" } });
    expect(other.headers.vary).toBe("Origin");
  });
});

test("session cookies can neither be planted by a sibling domain nor read by scripts [V3.3]", async () => {
  const browser = createBrowserClient(usermesh.api);
  await browser.request("POST", "auth/login", { body: { ...person, use_cookies: true } });
  const [accessLine = "", refreshLine = ""] = browser.setCookies;
  for (const line of [accessLine, refreshLine]) {
    expect(line).toMatch(/^__Host-/);
    const attributes = line
      .replace(/Max-Age=\d+/, "Max-Age")
      .split("; ")
      .slice(1);
    expect(attributes.toSorted()).toEqual(["HttpOnly", "Max-Age", "Path=/", "SameSite=Lax", "Secure"]);
  }
  for (const name of ["access_token", "__Secure-access_token", "__host-access_token"]) {
    const headers = { cookie: `${name}=${browser.cookies.get("__Host-access_token")}` };
    expect([name, (await usermesh.api.request("GET", "users/me", { headers })).status]).toEqual([name, 401]);
  }
});
