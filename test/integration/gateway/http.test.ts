import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterAll, afterEach, describe, expect, test } from "@jest/globals";
import { raw, statusOf } from "../../support/clients/raw-http.ts";
import { eventually } from "../../support/eventually.ts";
import { type RunningServices, startServices } from "../../support/start/services.ts";

/** The gateway without any other service, and so without a database. */
const noDatabase = { DATABASE_URL: "postgres://owner:pw@localhost:1/none" };
const gateway = (env: Record<string, string> = {}) => startServices(["gateway"], { ...noDatabase, ...env });

interface Problem {
  readonly code: string;
}

interface Health {
  readonly dependencies?: object;
}

describe("attacks on HTTP", () => {
  let running: RunningServices;
  const request = (target: string, head = "") => raw(running.url, `GET ${target} HTTP/1.1\r\nHost: x\r\n${head}\r\n`);

  test.each([
    "//docs",
    "/docs//",
    "/%64ocs",
    "/docs;x",
    "/./docs",
    "/x/../docs",
    "/docs%2f",
    "/%2e%2e/package.json",
    "/assets/..%2f..%2fpackage.json",
    "/docs\\",
    "/docs%00",
  ])("a path that is not in its plain form is 404: %s", async (target) => {
    running ??= await gateway();
    expect(statusOf(await request(target))).toBe(404);
  });

  test.each(["/%", "/docs?x=%zz", "/%c0%ae"])("invalid percent-encoding is 400: %s", async (target) => {
    expect(statusOf(await request(target))).toBe(400);
  });

  test.each([
    ["100 kB of headers", () => request("/", `X-Flood: ${"x".repeat(100_000)}\r\n`), 431],
    ["a target of 100 kB", () => request(`/${"x".repeat(100_000)}`), 431],
    ["no Host", () => raw(running.url, "GET / HTTP/1.1\r\n\r\n"), 400],
    ["two Content-Length headers", () => request("/", "Content-Length: 1\r\nContent-Length: 2\r\n"), 400],
    [
      "Content-Length and chunked encoding",
      () => request("/", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
      400,
    ],
    ["something that is not HTTP", () => raw(running.url, "\x16\x03\x01 hello\r\n\r\n"), 400],
    ["an unknown method", () => raw(running.url, "BREW / HTTP/1.1\r\nHost: x\r\n\r\n"), 400],
    ["TRACE", () => raw(running.url, "TRACE / HTTP/1.1\r\nHost: x\r\n\r\n"), 405],
  ])("%s is refused", async (_, send, status) => {
    expect(statusOf(await send())).toBe(status);
  });

  test("a request that the parser refuses gets a problem document", async () => {
    const answer = await request("/", `X-Flood: ${"x".repeat(100_000)}\r\n`);
    expect(answer).toContain("application/problem+json");
  });

  test.each(["jku", "x5u"])("the URL in a token's %s is never fetched", async (name) => {
    let fetched = 0;
    const trap = createServer((_, response) => {
      fetched++;
      response.end("{}");
    }).listen(0, "127.0.0.1");
    await once(trap, "listening");
    const url = `http://127.0.0.1:${(trap.address() as AddressInfo).port}/keys`;
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const token = `${part({ alg: "ES256", typ: "at+jwt", kid: "key1", [name]: url })}.${part({})}.${part({})}`;
    const answer = await fetch(`${running.url}/api/v1/users/me`, { headers: { authorization: `Bearer ${token}` } });
    expect([answer.status, fetched]).toEqual([401, 0]);
    trap.close();
  });

  test.each(["Basic YTpi", "Bearer", "Bearer  ", "Bearer a b", "bearer x", ""])(
    "anything but a valid Bearer token is 401: %j",
    async (authorization) => {
      const answer = await fetch(`${running.url}/api/v1/users/me`, { headers: { authorization } });
      expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([401, expect.stringMatching(/^Bearer /)]);
    },
  );

  afterAll(() => running.stop());
});

describe("the gateway alone", () => {
  let running: RunningServices | undefined;
  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });

  const start = async (env: Record<string, string> = {}) => {
    running = await gateway(env);
    return running.url;
  };

  test("without the other services, pages are served and calls fail with 503 at once", async () => {
    const url = await start();
    expect((await fetch(`${url}/`)).status).toBe(200);
    expect((await fetch(`${url}/docs`)).status).toBe(200);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    const login = await fetch(`${url}/api/v1/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"email":"a","password":"b"}',
    });
    expect([login.status, login.headers.get("retry-after"), ((await login.json()) as Problem).code]).toEqual([
      503,
      "1",
      "service_unavailable",
    ]);
  });

  test("is not ready without a lease, and not healthy without the database", async () => {
    const url = await start();
    expect((await fetch(`${url}/health/ready`)).status).toBe(503);
    const health = await fetch(`${url}/health`);
    expect([health.status, ((await health.json()) as Health).dependencies]).toEqual([
      503,
      { database: "unknown", nats: "embedded", jetstream: "embedded", redis: "embedded", smtp: "unknown" },
    ]);
  });

  test("metrics are shown to loopback clients and with the token, but not through a proxy", async () => {
    const url = await start({ OPERATOR_TOKEN: "let-me-look" });
    const forwarded = { "x-forwarded-for": "1.2.3.4" };
    expect((await fetch(`${url}/metrics`)).status).toBe(200);
    expect((await fetch(`${url}/metrics`, { headers: forwarded })).status).toBe(401);
    expect((await fetch(`${url}/metrics`, { headers: { ...forwarded, authorization: "Bearer no" } })).status).toBe(401);
    expect(
      (await fetch(`${url}/metrics`, { headers: { ...forwarded, authorization: "Bearer let-me-look" } })).status,
    ).toBe(200);
    expect(Object.keys((await (await fetch(`${url}/health`, { headers: forwarded })).json()) as Health)).toEqual([
      "status",
    ]);
    expect((await fetch(`${url}/dev/mail`, { headers: forwarded })).status).toBe(404);
  });

  test("requests are counted by method, route and status", async () => {
    const url = await start();
    await fetch(`${url}/api/v1/users/me`);
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toContain('http_requests_total{method="GET",route="/api/v1/users/me",status="401"} 1');
    expect(text).toContain('http_request_duration_seconds_count{method="GET",route="/api/v1/users/me"} 1');
  });

  test("the embedded server's mails are a page for browsers and JSON for programs", async () => {
    const url = await start();
    const page = await fetch(`${url}/dev/mail`, { headers: { accept: "text/html" } });
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(page.headers.get("content-security-policy")).toMatch(/script-src 'self'; .*frame-src 'self'/);
    expect(await (await fetch(`${url}/dev/mail`)).json()).toMatchObject({ success: true, data: [] });
    expect((await fetch(`${url}/dev/mail/${randomUUID()}`)).status).toBe(404);
  });

  test("the list of mails is sent again only when it has changed, and can be emptied", async () => {
    const url = await start();
    const tag = (await fetch(`${url}/dev/mail`)).headers.get("etag") ?? "";
    const again = (mark: string) => fetch(`${url}/dev/mail`, { headers: { "if-none-match": mark } });
    expect([(await again(tag)).status, (await again('"other"')).status]).toEqual([304, 200]);
    expect((await fetch(`${url}/dev/mail`, { method: "DELETE" })).status).toBe(200);
  });

  test("a page of another site can't read, frame or empty the mails, whatever origins are allowed", async () => {
    const url = await start({ ALLOWED_ORIGINS: "*" });
    const ask = async (path: string, site: string, dest: string, method = "GET") =>
      (await fetch(url + path, { method, headers: { "sec-fetch-site": site, "sec-fetch-dest": dest } })).status;
    for (const site of ["cross-site", "same-site"]) {
      expect(await ask("/dev/mail", site, "empty")).toBe(404);
      expect(await ask("/dev/mail/samples", site, "iframe")).toBe(404);
      expect(await ask("/dev/mail", site, "empty", "DELETE")).toBe(404);
      expect(await ask("/dev/mail", site, "document")).toBe(200);
    }
    expect(await ask("/dev/mail", "same-origin", "empty", "DELETE")).toBe(200);
  });

  test.each(["/docs", "/reset-password", "/api/v1/auth/verify-email?token=x"])(
    "%s has no inline scripts, and all its assets exist",
    async (path) => {
      const url = await start();
      const page = await fetch(url + path);
      const html = await page.text();
      expect(page.headers.get("content-security-policy")).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
      expect(page.headers.get("content-security-policy")).not.toContain("unsafe");
      expect(html).not.toMatch(/<script(?![^>]*(?:src=|type="application\/json"))|<style|style=|onclick/);
      for (const [, asset] of html.matchAll(/(?:src|href)="(\/[^"]+)"/g))
        expect([asset, (await fetch(url + asset)).status]).toEqual([asset, 200]);
    },
  );

  test("rate limits count per address, are announced in headers, and ignore forged addresses", async () => {
    const url = await start({ RATE_LIMIT_ENABLED: "true", RATE_LIMIT_LOGIN: "2/60" });
    const login = (ip: string) =>
      fetch(`${url}/api/v1/auth/login`, {
        method: "POST",
        headers: { "x-forwarded-for": ip, "x-real-ip": ip, forwarded: `for=${ip}` },
      });
    const first = await login("1.1.1.1");
    expect([first.headers.get("ratelimit"), first.headers.get("ratelimit-policy")]).toEqual([
      '"login";r=1;t=60',
      '"login";q=2;w=60',
    ]);
    await login("2.2.2.2");
    const third = await login("3.3.3.3");
    expect([
      third.status,
      ((await third.json()) as Problem).code,
      Number(third.headers.get("retry-after")) > 0,
    ]).toEqual([429, "rate_limited", true]);
  });

  test("a route can have a limit of its own, also on its other paths, beside those of the others", async () => {
    const routes = "POST /api/v1/auth/register=1/60;GET /api/v1/users/search=2/60";
    const url = await start({ RATE_LIMIT_ENABLED: "true", RATE_LIMIT_ROUTES: routes });
    const post = (path: string) => fetch(url + path, { method: "POST" });
    const first = await post("/api/v1/auth/register");
    expect([first.status, first.headers.get("ratelimit-policy")]).toEqual([503, '"route";q=1;w=60']);
    expect((await post("/api/register")).status).toBe(429);
    const search = () => fetch(`${url}/api/v1/users/search`);
    expect([(await search()).status, (await search()).status, (await search()).status]).toEqual([401, 401, 429]);
    expect((await post("/api/v1/auth/login")).headers.get("ratelimit-policy")).toBe('"login";q=120;w=60');
  });

  test("a limit of a route that does not exist ends the start", async () => {
    await expect(start({ RATE_LIMIT_ROUTES: "POST /api/v1/auth/sign-in=1/60" })).rejects.toThrow(
      "RATE_LIMIT_ROUTES: the API has no route POST /api/v1/auth/sign-in.",
    );
  });

  test("two limits of one action end the start, whichever paths name it", async () => {
    const routes = "POST /api/v1/auth/login=100/60;POST /api/auth/login=5/60";
    await expect(start({ RATE_LIMIT_ROUTES: routes })).rejects.toThrow("has a limit already");
  });

  test("behind a trusted proxy, each client has a rate limit of its own", async () => {
    const url = await start({ RATE_LIMIT_ENABLED: "true", RATE_LIMIT_LOGIN: "1/60", TRUST_PROXY: "1" });
    const statusFor = async (ip: string) =>
      (await fetch(`${url}/api/v1/auth/login`, { method: "POST", headers: { "x-forwarded-for": ip } })).status;
    expect([await statusFor("1.1.1.1"), await statusFor("9.9.9.9, 1.1.1.1"), await statusFor("2.2.2.2")]).toEqual([
      503, 429, 503,
    ]);
  });

  test("without Redis, rate limits are counted in memory", async () => {
    const url = await start({ RATE_LIMIT_ENABLED: "true", RATE_LIMIT_LOGIN: "1/60", REDIS_URL: "redis://127.0.0.1:1" });
    const status = async () => (await fetch(`${url}/api/v1/auth/login`, { method: "POST" })).status;
    expect([await status(), await status()]).toEqual([503, 429]);
  });

  test("only exact matches of an allowed origin are allowed", async () => {
    const url = await start({ ALLOWED_ORIGINS: "https://app.example.com" });
    const allowed = async (origin: string) =>
      (await fetch(url, { headers: { origin } })).headers.get("access-control-allow-origin");
    expect(await allowed("https://app.example.com")).toBe("https://app.example.com");
    for (const origin of [
      "https://app.example.co",
      "https://app.example.com.evil.com",
      "http://app.example.com",
      "null",
    ])
      expect(await allowed(origin)).toBeNull();
  });

  test("with *, any origin is allowed without credentials", async () => {
    const url = await start({ ALLOWED_ORIGINS: "*" });
    const { headers } = await fetch(url, { headers: { origin: "https://any.example.com" } });
    expect([headers.get("access-control-allow-origin"), headers.get("access-control-allow-credentials")]).toEqual([
      "*",
      null,
    ]);
  });

  test("a preflight request needs no token", async () => {
    const url = await start({ ALLOWED_ORIGINS: "https://app.example.com" });
    const headers = { origin: "https://app.example.com", "access-control-request-method": "PATCH" };
    const answer = await fetch(`${url}/api/v1/users/me`, { method: "OPTIONS", headers });
    expect([answer.status, answer.headers.get("access-control-allow-methods")]).toEqual([
      200,
      "GET, PUT, PATCH, DELETE, HEAD, OPTIONS",
    ]);
    expect(answer.headers.get("access-control-allow-headers")).toContain("Authorization");
  });

  test("sends Strict-Transport-Security behind https", async () => {
    const url = await start({ PUBLIC_URL: "https://mesh.example.com" });
    expect((await fetch(url)).headers.get("strict-transport-security")).toMatch(/max-age=\d{8}/);
  });

  test("an incomplete body ends in 408 at the timeout", async () => {
    const url = await start({ REQUEST_TIMEOUT_MS: "300" });
    const head =
      "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    const answer = await raw(url, head);
    expect([statusOf(answer), /connection: close/i.test(answer)]).toEqual([408, true]);
  });

  test("incomplete headers end in 408", async () => {
    const url = await start({ REQUEST_TIMEOUT_MS: "300" });
    expect(statusOf(await raw(url, "GET / HTTP/1.1\r\nHost: x\r\n"))).toBe(408);
  });

  test("idle connections do not delay the stop", async () => {
    const url = await start();
    const { port } = new URL(url);
    const idle = connect(Number(port), "127.0.0.1");
    await raw(url, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const closed = once(idle, "close");
    const startedAt = performance.now();
    await running?.stop();
    running = undefined;
    await closed;
    // Node keeps an idle connection for 5 s.
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    await eventually("a closed port", () =>
      fetch(url).then(
        () => false,
        () => true,
      ),
    );
  });
});
