import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ServiceBroker } from "moleculer";
import { definitionOf } from "../../../lib/actions/typed-call.ts";
import { readPathParams } from "../../../services/gateway/http/path-params.ts";
import { readQuery, readTarget, readWholeQuery } from "../../../services/gateway/http/target.ts";
import { routes } from "../../../services/gateway/routes.ts";
import { type Alias, createAliasIndex } from "../../../services/gateway/web/alias-index.ts";
import { acceptDeclaration } from "../../../services/gateway/web/extensions.ts";
import type { WebService } from "../../../services/gateway/web/module.ts";
import type { WebParts } from "../../../services/gateway/web/parts.ts";
import { webMixin } from "../../../services/gateway/web/web.mixin.ts";

const id = "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60";
const broker = new ServiceBroker({ logger: false });
let find: ReturnType<typeof createAliasIndex<Alias>>;

beforeAll(() => {
  const parts = (): WebParts => {
    throw new Error("No request is sent here.");
  };
  const service = broker.createService({ name: "gateway", mixins: [webMixin(parts, routes, [])] });
  find = createAliasIndex((service as WebService).aliases, (alias) => alias);
});
afterAll(() => broker.stop());

const paramsOf = (path: string) => [...(find(path)?.methods.values() ?? [])][0]?.match(path) || {};

describe("aliases", () => {
  test("a fixed path has its methods, HEAD with GET", () => {
    const match = find("/api/v1/users/me");
    expect([...(match?.methods.keys() ?? [])].sort()).toEqual(["DELETE", "GET", "HEAD", "PATCH", "PUT"]);
    expect(match?.allow).toBe("GET, PUT, PATCH, DELETE, HEAD, OPTIONS");
  });

  test("every row of the table is found under its own path", () => {
    for (const { method, path } of routes) {
      const match = find(path.replace(/\{\w+\}/g, "x"));
      const found = match?.methods.get(method)?.fullPath.replace(/^\/?/, "/");
      expect([path, found]).toEqual([path, path.replaceAll(/\{(\w+)\}/g, ":$1")]);
    }
  });

  test("ids are read from a path, in canonical form", () => {
    const params = paramsOf(`/api/v1/admin/users/${id.toUpperCase()}/status`);
    expect(readPathParams(params)).toEqual({ id });
  });

  test.each([
    "/api/v1//users/me",
    "/api/v1/users/../users/me",
    "/api/v1/users/./me",
    "/API/v1/users/me",
    "/api/v1/Users/me",
    "/api/v1/users/me/",
    "/assets/../../package.json",
    "/api/v1/admin/users//status",
    "/list-aliases",
    "/~node/list",
    "/gateway/list-aliases",
  ])("a path that is not in its plain form matches nothing: %s", (path) => {
    expect(find(path)).toBeNull();
  });

  test.each(["/api/v1/admin/users/1", `/api/v1/admin/users/${id}x`, "/api/v1/users/%6de", "/api/v1/users/me;x=1"])(
    "a parameter in another format is a 404: %s",
    (path) => {
      const params = paramsOf(path);
      expect(() => readPathParams(params)).toThrow(expect.objectContaining({ type: "not_found" }));
    },
  );

  test.each(["/assets/%2e%2e", "/assets/..%2fpackage.json", "/avatars/%00"])(
    "an encoded file name is checked after it is decoded: %s",
    (path) => {
      const params = paramsOf(path);
      expect(() => readPathParams(params)).toThrow(expect.objectContaining({ type: "not_found" }));
    },
  );

  test("the action of each route accepts the callers that the route lets in", () => {
    const kinds = { public: "anonymous", optional: "anonymous", user: "user", service: "service" } as const;
    for (const route of routes) {
      if (!("action" in route)) continue;
      const who = definitionOf(route.action)?.access.callers ?? [];
      expect([route.path, who.includes(kinds[route.auth])]).toEqual([route.path, true]);
    }
  });
});

describe("declarations of other services", () => {
  test("a method and a path below the service are accepted, and need a user unless they say otherwise", () => {
    expect(acceptDeclaration({ method: "GET", path: "/jobs//:id/" })).toEqual({
      method: "GET",
      path: "/jobs/:id",
      auth: "user",
    });
    expect(acceptDeclaration({ method: "POST", path: "/jobs", auth: "public" })).toMatchObject({ auth: "public" });
  });

  test.each([
    [{ path: "/jobs" }],
    [{ method: "*", path: "/jobs" }],
    [{ method: "TRACE", path: "/jobs" }],
    [{ method: "GET", path: "/jobs", fullPath: "/api/v1/auth/login" }],
    [{ method: "GET", path: "/jobs", auth: "nobody" }],
    [{ method: "GET", path: "/jobs/(" }],
    [{ method: "GET", path: "/jobs/*all" }],
    [{ method: "GET", path: "/jobs{/x}" }],
    [{ method: "GET", path: "jobs" }],
    [{ method: "GET", path: "/" }],
    [{ method: "GET", path: `/${"x".repeat(300)}` }],
    [{ method: "GET", path: 1 }],
    [{}],
  ])("is ignored: %j", (declaration) => {
    expect(acceptDeclaration(declaration)).toBeNull();
  });
});

describe("request target", () => {
  test("accepts one trailing slash", () => {
    expect(readTarget("/api/v1/users/").path).toBe("/api/v1/users");
    expect(readTarget("/api/v1/users//").path).toBe("/api/v1/users/");
    expect(readTarget("/").path).toBe("/");
  });

  test("accepts the absolute form of a proxy", () => {
    expect(readTarget("http://localhost:3000/docs?x=1")).toEqual({ path: "/docs", query: "x=1" });
  });

  test.each(["/%", "/%zz", "/a?x=%e4", "/%ff"])("invalid percent-encoding is refused: %s", (target) => {
    expect(() => readTarget(target)).toThrow(expect.objectContaining({ type: "bad_request" }));
  });

  test("reads only the named query parameters, and the first of each", () => {
    expect(readQuery("page=2&page=3&role=admin&limit=&__proto__=1", ["page", "limit"])).toEqual({ page: "2" });
  });

  test("reads a whole query, the first of each parameter", () => {
    expect(readWholeQuery("page=2&page=3&role=")).toEqual({ page: "2", role: "" });
  });

  test.each(["__proto__=1", "constructor=1", new URLSearchParams(Array(101).fill(["x", "1"])).toString()])(
    "a whole query with an unsafe name or too many parameters is refused",
    (query) => {
      expect(() => readWholeQuery(query)).toThrow(expect.objectContaining({ type: "bad_request" }));
    },
  );
});
