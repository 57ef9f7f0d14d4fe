import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { routes } from "../../../services/gateway/routes.ts";
import { type RunningServices, startServices } from "../../support/start/services.ts";

let running: RunningServices;
// biome-ignore lint/suspicious/noExplicitAny: a document of any shape
let document: any;

beforeAll(async () => {
  running = await startServices(["gateway"], { DATABASE_URL: "postgres://localhost:1/none" });
  document = await (await fetch(`${running.url}/openapi.json`)).json();
});
afterAll(() => running.stop());

describe("OpenAPI document", () => {
  test("has exactly the routes of the table", () => {
    const documented = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations as object).map((method) => `${method} ${path}`),
    );
    expect(documented.sort()).toEqual(routes.map((route) => `${route.method.toLowerCase()} ${route.path}`).sort());
  });

  test("has unique operation ids", () => {
    const ids = Object.values(document.paths).flatMap((operations) =>
      Object.values(operations as object).map((one) => one.operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("takes fields and limits from the schemas that validate", () => {
    const { schema } = document.paths["/api/v1/auth/register"].post.requestBody.content["application/json"];
    expect(schema).toEqual({ $ref: "#/components/schemas/Registration" });
    const registration = document.components.schemas.Registration;
    expect(registration).toMatchObject({ required: ["email", "password"], additionalProperties: false });
    expect(registration.properties.email).toMatchObject({ type: "string", maxLength: 255 });
  });

  test("failures are problem documents", () => {
    const reference = document.paths["/api/v1/users/me"].get.responses["401"].$ref;
    expect(reference).toBe("#/components/responses/Unauthorized");
    expect(document.components.responses.Unauthorized.content["application/problem+json"].schema).toEqual({
      $ref: "#/components/schemas/Problem",
    });
  });

  test("documents X-Tenant, and where it needs `platform:act`", () => {
    const tenantOf = (path: string, method: string) =>
      (document.paths[path][method].parameters ?? []).find((one: { name: string }) => one.name === "X-Tenant")
        ?.description ?? null;
    const auth = "/api/v1/auth";
    for (const [path, method] of [
      [`${auth}/register`, "post"],
      ["/api/v1/users", "post"],
      [`${auth}/login`, "post"],
      [`${auth}/password-reset-request`, "post"],
      [`${auth}/verify-email-request`, "post"],
      [`${auth}/oauth/{provider}`, "get"],
      ["/api/login", "post"],
    ] as const)
      expect([path, tenantOf(path, method)]).toEqual([path, expect.stringContaining("not signed in")]);
    for (const path of ["refresh", "verify-email", "password-reset-confirm", "oauth/exchange"])
      expect([path, tenantOf(`${auth}/${path}`, "post")]).toEqual([path, null]);
    for (const { path, method } of routes.filter((route) => route.kind !== "page" && route.auth === "user"))
      expect([path, tenantOf(path, method.toLowerCase())]).toEqual([path, expect.stringContaining("platform:act")]);
  });

  test("documents which routes need a token", () => {
    expect(document.paths["/api/v1/users/me"].get.security).toEqual([{ bearer: [] }, { cookie: [] }]);
    expect(document.paths["/api/v1/auth/login"].post.security).toEqual([]);
    expect(document.components.securitySchemes.bearer).toMatchObject({ type: "http", scheme: "bearer" });
  });
});
