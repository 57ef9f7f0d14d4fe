import { describe, expect, test } from "@jest/globals";
import { definitionOf } from "../../../lib/actions/typed-call.ts";
import { createRouter } from "../../../services/gateway/http/router.ts";
import { readQuery, readTarget } from "../../../services/gateway/http/target.ts";
import { routes } from "../../../services/gateway/routes.ts";

const id = "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60";
const find = createRouter(routes);

describe("router", () => {
  test("finds a fixed path with its methods", () => {
    const match = find("/api/v1/users/me");
    expect([...(match?.methods.keys() ?? [])].sort()).toEqual(["DELETE", "GET", "HEAD", "PATCH", "PUT"]);
    expect(match?.allow).toBe("GET, PUT, PATCH, DELETE, HEAD, OPTIONS");
  });

  test("reads ids from a path, in canonical form", () => {
    expect(find(`/api/v1/admin/users/${id.toUpperCase()}/status`)?.params).toEqual({ id });
  });

  test.each([
    "/api/v1/admin/users/1",
    `/api/v1/admin/users/${id}x`,
    "/api/v1//users/me",
    "/api/v1/users/%6de",
    "/api/v1/users/me;x=1",
    "/api/v1/users/../users/me",
    "/api/v1/users/./me",
    "/API/v1/users/me",
    "/assets/../../package.json",
    "/assets/%2e%2e",
    "/api/v1/users/me ",
  ])("a path that is not in its plain form matches nothing: %s", (path) => {
    expect(find(path)).toBeNull();
  });

  test("the action of each route accepts the callers that the route lets in", () => {
    const kinds = { public: "anonymous", optional: "anonymous", user: "user", service: "service" } as const;
    for (const route of routes) {
      if (route.kind === "page") continue;
      const who = definitionOf(route.action)?.access.callers ?? [];
      expect([route.path, who.includes(kinds[route.auth])]).toEqual([route.path, true]);
    }
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
});
