import { describe, expect, test } from "@jest/globals";
import { basePath, withoutBase } from "../../../services/gateway/http/base-path.ts";

const known: Readonly<Record<string, readonly string[]>> = {
  "/": ["GET"],
  "/login": ["GET"],
  "/auth/login": ["POST"],
  "/api/v1/users/me": ["GET", "PATCH"],
};
const find = (path: string, method: string, base = "/auth") =>
  withoutBase(path, base, {
    serves: (one) => known[one]?.includes(method) ?? false,
    exists: (one) => one in known,
  });

describe("a path below the base path", () => {
  test.each([
    ["https://host/auth", "/auth"],
    ["https://host/auth/", "/auth"],
    ["https://host", ""],
    ["https://host/a/b", "/a/b"],
  ])("%s has the base path %p", (url, base) => expect(basePath(url)).toBe(base));

  test.each([
    ["kept by the proxy", "/auth/api/v1/users/me", "GET", "/api/v1/users/me"],
    ["cut off by the proxy", "/api/v1/users/me", "GET", "/api/v1/users/me"],
    ["alone", "/auth", "GET", "/"],
    ["in front of a page whose path an earlier system has too", "/auth/login", "GET", "/login"],
    ["in front of a path of an earlier system", "/auth/auth/login", "POST", "/auth/login"],
    ["that is a path of an earlier system, cut off by the proxy", "/auth/login", "POST", "/auth/login"],
    ["in front of a method that the path does not have", "/auth/api/v1/users/me", "PUT", "/api/v1/users/me"],
    ["in front of nothing", "/auth/nothing", "GET", "/auth/nothing"],
    ["as the beginning of another name", "/authority", "GET", "/authority"],
  ])("%s", (_, path, method, expected) => expect(find(path, method)).toBe(expected));

  test("without a base path, paths stay as they are", () => {
    expect(find("/auth/api/v1/users/me", "GET", "")).toBe("/auth/api/v1/users/me");
  });
});
