import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { routes } from "../../../services/gateway/routes.ts";
import { type RunningServices, startServices } from "../../support/mesh.ts";

let running: RunningServices;
// biome-ignore lint/suspicious/noExplicitAny: a document of any shape
let document: any;

beforeAll(async () => {
  running = await startServices(["gateway"], { DATABASE_URL: "postgres://localhost:1/none" });
  document = await (await fetch(`${running.url}/openapi.json`)).json();
});
afterAll(() => running.stop());

describe("OpenAPI document", () => {
  test("has each route of the table and no other", () => {
    const documented = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations as object).map((method) => `${method} ${path}`),
    );
    expect(documented.sort()).toEqual(routes.map((route) => `${route.method.toLowerCase()} ${route.path}`).sort());
  });

  test("names each operation once", () => {
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

  test("says which routes need a token", () => {
    expect(document.paths["/api/v1/users/me"].get.security).toEqual([{ bearer: [] }, { cookie: [] }]);
    expect(document.paths["/api/v1/auth/login"].post.security).toEqual([]);
    expect(document.components.securitySchemes.bearer).toMatchObject({ type: "http", scheme: "bearer" });
  });
});
