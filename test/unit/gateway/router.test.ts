import { describe, expect, test } from "@jest/globals";
import { definitionOf } from "../../../lib/actions/typed-call.ts";
import { createRouter } from "../../../services/gateway/http/router.ts";
import { readQuery, readTarget } from "../../../services/gateway/http/target.ts";
import { routes } from "../../../services/gateway/routes.ts";

const id = "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60";
const find = createRouter(routes);

describe("router", () => {
  test("finds a fixed path and says which methods it takes", () => {
    const match = find("/api/v1/users/me");
    expect([...(match?.methods.keys() ?? [])].sort()).toEqual(["DELETE", "GET", "HEAD", "PATCH", "PUT"]);
    expect(match?.allow).toBe("GET, PUT, PATCH, DELETE, HEAD, OPTIONS");
  });

  test("takes ids out of a path, in their canonical form", () => {
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
  ])("a path that is not written plainly is nowhere: %s", (path) => {
    expect(find(path)).toBeNull();
  });

  test("every row names an action that its kind of caller may knock at", () => {
    const kinds = { public: "anonymous", optional: "anonymous", user: "user", service: "service" } as const;
    for (const route of routes) {
      if (route.kind === "page") continue;
      const who = definitionOf(route.action)?.access.callers ?? [];
      expect([route.path, who.includes(kinds[route.auth])]).toEqual([route.path, true]);
    }
  });
});

describe("request target", () => {
  test("a trailing slash is accepted, one only", () => {
    expect(readTarget("/api/v1/users/").path).toBe("/api/v1/users");
    expect(readTarget("/api/v1/users//").path).toBe("/api/v1/users/");
    expect(readTarget("/").path).toBe("/");
  });

  test("a proxy's absolute form is understood", () => {
    expect(readTarget("http://localhost:3000/docs?x=1")).toEqual({ path: "/docs", query: "x=1" });
  });

  test.each(["/%", "/%zz", "/a?x=%e4", "/%ff"])("percent signs that encode nothing are refused: %s", (target) => {
    expect(() => readTarget(target)).toThrow(expect.objectContaining({ type: "bad_request" }));
  });

  test("of a query only the named parameters are read, the first of each", () => {
    expect(readQuery("page=2&page=3&role=admin&limit=&__proto__=1", ["page", "limit"])).toEqual({ page: "2" });
  });
});
