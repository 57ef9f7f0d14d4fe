import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import type { Context } from "moleculer";
import type { Meta } from "../../../lib/actions/caller.ts";
import { routes } from "../../../services/gateway/routes.ts";
import { raw, statusOf } from "../../support/clients/raw-http.ts";
import { eventually } from "../../support/eventually.ts";
import { type RunningServices, startServices } from "../../support/start/services.ts";

const ADMIN = { email: "admin@example.com", password: "Usher-of-the-Mesh-1" };
const ID = "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60";
const operator = { kind: "operator", name: "test" } as const;

let running: RunningServices;
let token: string;

const send = (method: string, path: string, headers: Record<string, string> = {}, body?: string) =>
  fetch(running.url + path, { method, headers, redirect: "manual", ...(body !== undefined && { body }) });
const signedIn = () => ({ authorization: `Bearer ${token}` });
const json = { "content-type": "application/json" };

/** A service of another team, in the shape in which Moleculer's users write one. */
const jobs = {
  name: "jobs",
  actions: {
    list: { rest: "GET /", handler: (ctx: Context<object, Meta>) => ({ params: ctx.params, caller: ctx.meta.caller }) },
    create: { rest: { method: "POST", path: "/" }, handler: (ctx: Context<object>) => ctx.params },
    one: { rest: "GET /:id", handler: (ctx: Context<object>) => ctx.params },
    open: { rest: { method: "GET", path: "/open", auth: "public" }, handler: () => null },
    anyMethod: { rest: "/any-method", handler: () => "must not be reachable" },
    hidden: { rest: "GET /hidden", visibility: "public", handler: () => "must not be reachable" },
    undeclared: () => "must not be reachable",
    hijack: {
      rest: { method: "POST", path: "/hijack", fullPath: "/api/v1/auth/login" },
      handler: () => "must not be reachable",
    },
    malformed: { rest: "GET /malformed/(", handler: () => "must not be reachable" },
    headers: {
      rest: "GET /headers",
      handler(ctx: Context<object, Record<string, unknown>>) {
        ctx.meta.$statusCode = 418;
        ctx.meta.$responseHeaders = { "Set-Cookie": "access_token=stolen", "X-Evil": "1" };
        ctx.meta.$responseType = "text/html";
        ctx.meta.$location = "https://evil.example";
        return { fine: true };
      },
    },
    fail: {
      rest: "GET /fail",
      handler() {
        throw new Error("a secret of the other team");
      },
    },
  },
};
/** Not in GATEWAY_EXTENSIONS. */
const billing = { name: "billing", actions: { list: { rest: "GET /", handler: () => "must not be reachable" } } };

beforeAll(async () => {
  running = await startServices("all", {
    GATEWAY_EXTENSIONS: "jobs.*",
    ADMIN_EMAIL: ADMIN.email,
    ADMIN_PASSWORD: ADMIN.password,
  });
  await eventually("readiness", async () => (await fetch(`${running.url}/health/ready`)).ok);
  const login = await send("POST", "/api/v1/auth/login", json, JSON.stringify(ADMIN));
  token = ((await login.json()) as { data: { access_token: string } }).data.access_token;
  running.broker.createService(jobs as never);
  running.broker.createService(billing as never);
  await eventually("the routes of jobs", async () => (await send("GET", "/ext/jobs/open")).status === 200);
});
afterAll(() => running?.stop());

describe("OPTIONS", () => {
  test.each([undefined, "DELETE", "POST", "GET"])(
    "calls no action on any route, with Access-Control-Request-Method: %s",
    async (requested) => {
      const call = jest.spyOn(running.broker, "call");
      const headers = { ...signedIn(), ...(requested !== undefined && { "access-control-request-method": requested }) };
      const paths = new Set([...routes.map(({ path }) => path), "/ext/jobs", "/ext/jobs/{id}"]);
      for (const path of paths) {
        const response = await send("OPTIONS", path.replace(/\{\w+\}/g, ID), headers);
        expect([path, response.status]).toEqual([path, 200]);
        expect([path, response.headers.get("allow")]).toEqual([path, expect.stringContaining("OPTIONS")]);
      }
      const byClients = call.mock.calls.filter(([, , options]) => options?.meta?.caller?.kind === "user");
      call.mockRestore();
      expect(byClients).toEqual([]);
    },
  );
});

describe("the module's own actions", () => {
  test.each(["gateway.addRoute", "gateway.removeRoute", "gateway.rest", "api.addRoute"])(
    "%s does not exist, so no other node can open a route",
    async (action) => {
      const route = { path: "/open", mappingPolicy: "all" };
      await expect(running.broker.call(action, { route })).rejects.toMatchObject({ name: "ServiceNotFoundError" });
    },
  );

  test("listAliases answers an operator", async () => {
    const aliases = await running.call("api.listAliases", {}, operator);
    expect(aliases).toContainEqual(
      expect.objectContaining({ actionName: "users.me", fullPath: "/api/v1/users/me", methods: "GET" }),
    );
    expect(aliases.length).toBeGreaterThanOrEqual(routes.length);
  });

  test.each([
    "/list-aliases",
    "/gateway/list-aliases",
    "/ext/gateway/list-aliases",
    "/~node/list",
    "/ext/jobs/x/undeclared",
  ])("no client reaches an action by its name: %s", async (path) => {
    const response = await send("GET", path, signedIn());
    expect([response.status, await response.json()]).toEqual([404, expect.objectContaining({ code: "not_found" })]);
  });

  test("listAliases refuses users and services", async () => {
    const service = { kind: "service", name: "jobs" } as const;
    await expect(running.call("api.listAliases", {})).rejects.toMatchObject({ type: "forbidden" });
    await expect(running.call("api.listAliases", {}, service)).rejects.toMatchObject({ type: "forbidden" });
  });

  test("no settings of the gateway are announced on the bus", () => {
    const { services } = running.broker.registry.getLocalNodeInfo() as {
      readonly services: ReadonlyArray<Record<string, unknown>>;
    };
    const settings = services.find(({ name }) => name === "gateway")?.settings;
    expect(settings).toBeDefined();
    expect(settings).not.toHaveProperty("routes");
    expect(settings).not.toHaveProperty("onError");
    expect(JSON.stringify(settings)).not.toContain("/api/v1");
  });
});

describe("an anonymous caller", () => {
  const values = ["x", "%00", "..%2f", ID, "%E2%98%83", ";"];
  const rows = routes.filter((route) => route.kind !== "page" && route.auth === "user" && route.path.includes("{"));

  test.each(rows.map(({ method, path }) => [method, path]))(
    "gets 401, whatever %s %s contains",
    async (method, path) => {
      for (const value of values) {
        const response = await send(method, path.replace(/\{\w+\}/g, value));
        expect([value, response.status]).toEqual([value, 401]);
      }
    },
  );

  test("a signed-in caller gets 404 for a parameter in another format", async () => {
    const response = await send("DELETE", "/api/v1/auth/sessions/x", signedIn());
    expect([response.status, await response.json()]).toEqual([404, expect.objectContaining({ code: "not_found" })]);
  });
});

describe("an action of another team's service", () => {
  test("is called with its parameters and its caller", async () => {
    const response = await send("GET", "/ext/jobs?page=2&page=3", signedIn());
    expect(await response.json()).toEqual({
      params: { page: "2" },
      caller: expect.objectContaining({ kind: "user", tenant_id: expect.any(String), tier: "basic" }),
    });
    expect(response.status).toBe(200);
  });

  test("path parameters come before the body, and the body before the query", async () => {
    const post = await send("POST", "/ext/jobs?a=query&b=query", { ...signedIn(), ...json }, '{"a":"body"}');
    expect(await post.json()).toEqual({ a: "body", b: "query" });
    const get = await send("GET", "/ext/jobs/seven?id=query", signedIn());
    expect(await get.json()).toEqual({ id: "seven" });
  });

  test("needs a signed-in user unless it says otherwise", async () => {
    expect((await send("GET", "/ext/jobs")).status).toBe(401);
    const open = await send("GET", "/ext/jobs/open");
    expect([open.status, await open.json()]).toEqual([200, null]);
  });

  test.each([
    ["GET", "/ext/jobs/any-method/x"],
    ["POST", "/ext/jobs/any-method"],
    ["POST", "/ext/jobs/hijack"],
    ["GET", "/ext/billing"],
    ["GET", "/ext/Jobs"],
  ])("is not reachable if its declaration is not accepted: %s %s", async (method, path) => {
    const response = await send(method, path, signedIn());
    expect([404, 405]).toContain(response.status);
  });

  test("cannot take over a path of ours", async () => {
    const response = await send("POST", "/api/v1/auth/login", json, JSON.stringify(ADMIN));
    expect(await response.json()).toMatchObject({ success: true, message: "Signed in." });
  });

  test("HEAD, a wrong method and a wrong case behave as everywhere", async () => {
    const head = await send("HEAD", "/ext/jobs/open");
    expect([head.status, await head.text()]).toEqual([200, ""]);
    const wrong = await send("PUT", "/ext/jobs", signedIn());
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "GET, POST, HEAD, OPTIONS"]);
    expect((await send("GET", "/EXT/jobs/open")).status).toBe(404);
  });

  test("cannot set headers, status or type of the response through its meta", async () => {
    const response = await send("GET", "/ext/jobs/headers", signedIn());
    expect([response.status, await response.json()]).toEqual([200, { fine: true }]);
    const names = ["set-cookie", "x-evil", "location"];
    expect(names.map((name) => response.headers.get(name))).toEqual([null, null, null]);
    expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
  });

  test.each([
    ["a body", "POST", "/ext/jobs", '{"__proto__":{"admin":true}}', 422],
    ["a body", "POST", "/ext/jobs", '{"a":{"constructor":1}}', 422],
    ["a query", "GET", "/ext/jobs?__proto__=1", undefined, 400],
  ])("names that reach into prototypes are refused in %s", async (_, method, path, body, status) => {
    const response = await send(method, path, { ...signedIn(), ...(body !== undefined && json) }, body);
    expect(response.status).toBe(status);
  });

  test("an unexpected error is 500 and shows nothing", async () => {
    const response = await send("GET", "/ext/jobs/fail", signedIn());
    const text = await response.text();
    expect([response.status, JSON.parse(text).code]).toEqual([500, "internal_error"]);
    expect(text).not.toContain("secret");
  });

  test("CORS, CSRF and rate limits apply as everywhere", async () => {
    const preflight = await send("OPTIONS", "/ext/jobs", {
      origin: "https://unknown.example",
      "access-control-request-method": "POST",
    });
    expect(preflight.headers.get("access-control-allow-origin")).toBeNull();
    const byCookie = await send("POST", "/ext/jobs", { ...json, cookie: `access_token=${token}` }, "{}");
    expect([byCookie.status, await byCookie.json()]).toEqual([403, expect.objectContaining({ code: "csrf_failed" })]);
  });

  test("is 503 with Retry-After while its service is away, and works when it is back", async () => {
    const { broker } = running;
    await broker.destroyService(broker.getLocalService("jobs"));
    const away = async () => (await send("GET", "/ext/jobs", signedIn())).status === 503;
    await eventually("503", away);
    // The module rebuilds its aliases half a second after a service has left.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const response = await send("GET", "/ext/jobs", signedIn());
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
    broker.createService(jobs as never);
    await eventually("200", async () => (await send("GET", "/ext/jobs", signedIn())).status === 200);
  });
});

describe("declarations of other services", () => {
  const serviceNamed = (actions: object) => ({ name: "jobs", actions });
  const replaceJobs = async (actions: object, ready: () => Promise<boolean>) => {
    const { broker } = running;
    await broker.destroyService(broker.getLocalService("jobs"));
    broker.createService(serviceNamed(actions) as never);
    await eventually("the new routes", ready);
  };
  const statusOfGet = async (path: string, headers = signedIn()) => (await send("GET", path, headers)).status;

  test("a route that is no longer declared is gone, and the one that replaces it decides who may call it", async () => {
    const open = { rest: { method: "GET", path: "/x", auth: "public" }, handler: () => "old" };
    await replaceJobs({ old: open }, async () => (await send("GET", "/ext/jobs/x")).status === 200);
    const guarded = { rest: "GET /x", handler: () => "new" };
    await replaceJobs(
      { old: { handler: () => "old" }, new: guarded },
      async () => (await send("GET", "/ext/jobs/x")).status === 401,
    );
    expect(await (await send("GET", "/ext/jobs/x", signedIn())).json()).toBe("new");
    await replaceJobs(
      { other: { rest: "GET /other", handler: () => 1 } },
      async () => (await statusOfGet("/ext/jobs/other")) === 200,
    );
    await replaceJobs(
      { new: { handler: () => 1 }, other: { rest: "GET /moved", handler: () => 1 } },
      async () => (await statusOfGet("/ext/jobs/moved")) === 200,
    );
    expect(await Promise.all(["x", "other"].map((path) => statusOfGet(`/ext/jobs/${path}`)))).toEqual([404, 404]);
  });

  test("methods of one path may name their parameters differently", async () => {
    const echo = (ctx: Context<object>) => ctx.params;
    const actions = { read: { rest: "GET /:id", handler: echo }, write: { rest: "POST /:job", handler: echo } };
    await replaceJobs(actions, async () => (await statusOfGet("/ext/jobs/7")) === 200);
    expect(await (await send("GET", "/ext/jobs/7", signedIn())).json()).toEqual({ id: "7" });
    expect(await (await send("POST", "/ext/jobs/7", signedIn())).json()).toEqual({ job: "7" });
  });

  test.each([
    ["a path that cannot be text", { method: "GET", path: { toString: null, valueOf: null } }],
    ["a base path that cannot be text", { method: "GET", path: "/x", basePath: { toString: null, valueOf: null } }],
    ["a method that cannot be text", { method: { toString: null }, path: "/x" }],
    ["a number", 7],
    ["nothing but nulls", [null, { method: null, path: null }]],
  ])("%s harms no other route", async (_, rest) => {
    const good = { rest: "GET /good", handler: () => "good" };
    await replaceJobs(
      { bad: { rest, handler: () => "bad" }, good },
      async () => (await statusOfGet("/ext/jobs/good")) === 200,
    );
    expect(await statusOfGet("/api/v1/users/me")).toBe(200);
  });

  test("a route that is declared again has one series in the metrics", async () => {
    const good = { rest: "GET /good", handler: () => "good" };
    for (const _ of [1, 2]) {
      await replaceJobs({ good }, async () => (await statusOfGet("/ext/jobs/good")) === 200);
      await replaceJobs(
        { other: { rest: "GET /other", handler: () => 1 } },
        async () => (await statusOfGet("/ext/jobs/other")) === 200,
      );
    }
    const text = await (await send("GET", "/metrics")).text();
    const counts = text
      .split("\n")
      .filter((line) => line.startsWith("http_request_duration_seconds_count") && line.includes("/ext/jobs/good"));
    expect(counts).toHaveLength(1);
  });

  test("a stream as a result is an error, not its internals", async () => {
    const handler = async () => (await import("node:stream")).Readable.from(["x"]);
    await replaceJobs(
      { stream: { rest: "GET /stream", handler } },
      async () => (await statusOfGet("/ext/jobs/stream")) === 500,
    );
    expect(await statusOfGet("/ext/jobs/stream")).toBe(500);
  });
});

describe("HTTP", () => {
  test("two Host headers are refused", async () => {
    const answer = await raw(running.url, "GET /health/live HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n");
    expect([statusOf(answer), answer.includes('"code":"bad_request"')]).toEqual([400, true]);
  });

  describe.each([3_000_000, 30_000_000])(
    "a response sent before a body of %d bytes was read reaches the client",
    (size) => {
      const large = "x".repeat(size);

      test.each([
        ["401", "PATCH", "/api/v1/users/me", () => json],
        [
          "403",
          "POST",
          "/api/v1/auth/introspect",
          async () => ({ ...json, authorization: `Bearer ${await userToken()}` }),
        ],
        ["404", "POST", "/api/v1/nothing", () => json],
        ["413", "PATCH", "/api/v1/users/me", () => ({ ...json, ...signedIn() })],
        ["415", "PATCH", "/api/v1/users/me", () => ({ "content-type": "text/plain", ...signedIn() })],
      ])("as %s", async (status, method, path, headers) => {
        const response = await send(method, path, await headers(), large);
        expect([response.status, await response.json()]).toEqual([
          Number(status),
          expect.objectContaining({ success: false }),
        ]);
      });
    },
  );

  test("a connection on which little was left to read stays open", async () => {
    const body = "x".repeat(1_000);
    const request = (path: string) =>
      `PATCH ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const both = request("/api/v1/users/me") + request("/api/v1/users/me/profile");
    const answer = await raw(running.url, both, /HTTP\/1\.1[\s\S]*users\/me\/profile/);
    expect(answer.match(/HTTP\/1\.1 401/g)).toHaveLength(2);
  });

  test("a client that never sends the rest of its body is disconnected", async () => {
    const head =
      "PATCH /api/v1/users/me HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n";
    const began = performance.now();
    const answer = await raw(running.url, head, /never/);
    expect(statusOf(answer)).toBe(401);
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});

async function userToken(): Promise<string> {
  const person = { email: `${Math.random()}@example.com`, password: "Nobody-special-1" };
  await send("POST", "/api/v1/auth/register", json, JSON.stringify(person));
  const login = await send("POST", "/api/v1/auth/login", json, JSON.stringify(person));
  return ((await login.json()) as { data: { access_token: string } }).data.access_token;
}
