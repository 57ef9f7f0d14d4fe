import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { routes } from "../../../services/gateway/routes.ts";
import { type RunningServices, startServices } from "../../support/start/services.ts";

let running: RunningServices;
// biome-ignore lint/suspicious/noExplicitAny: documents of any shape
let document: any, compatibility: any;

interface Operation {
  readonly operationId: string;
  readonly description?: string;
  readonly deprecated?: boolean;
  readonly tags: readonly string[];
  readonly parameters?: ReadonlyArray<{ readonly name: string; readonly description?: string }>;
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly example?: object }>> };
}
const operationsOf = (documented: { paths: object }) =>
  Object.entries(documented.paths).flatMap(([path, item]) =>
    Object.entries(item as Record<string, Operation>).map(([method, operation]) => ({
      name: `${method} ${path}`,
      operation,
    })),
  );

beforeAll(async () => {
  running = await startServices(["gateway"], { DATABASE_URL: "postgres://owner:pw@localhost:1/none" });
  document = await (await fetch(`${running.url}/openapi.json`)).json();
  compatibility = await (await fetch(`${running.url}/openapi-compatibility.json`)).json();
});
afterAll(() => running.stop());

describe("OpenAPI document", () => {
  test("has exactly the routes of the table, those of earlier systems in a document of their own", () => {
    const rows = (isLegacy: boolean) =>
      routes
        .filter(({ legacy }) => (legacy !== undefined) === isLegacy)
        .map((route) => `${route.method.toLowerCase()} ${route.path}`);
    const named = (one: { paths: object }) => operationsOf(one).map(({ name }) => name);
    expect(named(document).sort()).toEqual(rows(false).sort());
    expect(named(compatibility).sort()).toEqual(rows(true).sort());
  });

  test("marks every path of an earlier system as deprecated, with its system and what replaces it", () => {
    for (const { name, operation } of operationsOf(compatibility))
      expect([name, operation.deprecated, operation.description]).toEqual([
        name,
        true,
        expect.stringMatching(/^Of (Meetinity|the .*(service|system))\. Use `[A-Z]+ \/.*`\./),
      ]);
    expect(operationsOf(document).filter(({ operation }) => operation.deprecated)).toEqual([]);
  });

  test("operations have unique ids that are names, and a description", () => {
    for (const one of [document, compatibility]) {
      const ids = operationsOf(one).map(({ operation }) => operation.operationId);
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids.filter((id) => !/^[a-z][A-Za-z]+$/.test(id))).toEqual([]);
      expect(operationsOf(one).filter(({ operation }) => !operation.description)).toEqual([]);
    }
    expect(operationsOf(document).map(({ operation }) => operation.operationId)).toEqual(
      expect.arrayContaining(["signIn", "retryDeadLetters", "getUser", "updateMyProfile"]),
    );
  });

  test("every tag, parameter, header and field has a description", () => {
    const bare: string[] = [];
    const visit = (node: unknown, path: string): void => {
      if (typeof node !== "object" || node === null || path.endsWith("/example")) return;
      const { properties = {}, headers = {}, parameters = [], tags = [] } = node as Record<string, object>;
      const described = [...Object.entries(properties), ...Object.entries(headers), ...Object.entries(parameters)];
      if (path === "") described.push(...Object.entries(tags));
      for (const [name, one] of described) if (!one.description && !one.$ref) bare.push(`${path}/${name}`);
      for (const [name, value] of Object.entries(node)) visit(value, `${path}/${name}`);
    };
    visit(document, "");
    visit(compatibility, "");
    expect(bare).toEqual([]);
  });

  test("every JSON body has an example", () => {
    const bodies = [document, compatibility].flatMap(operationsOf);
    const bare = bodies.filter(({ operation: { requestBody } }) => {
      const json = requestBody?.content["application/json"];
      return json && !json.example;
    });
    expect(bare.map(({ name }) => name)).toEqual([]);
  });

  test("lists the codes of each operation's problems, and no others", () => {
    const codesOf = (path: string, method: string, status: number) => {
      const name = document.paths[path][method].responses[status].$ref.split("/").at(-1);
      const { schema } = document.components.responses[name].content["application/problem+json"];
      return schema.allOf[1].properties.code.enum;
    };
    expect(codesOf("/api/v1/auth/login", "post", 403)).toEqual([
      "csrf_failed",
      "account_disabled",
      "email_not_verified",
    ]);
    expect(codesOf("/api/v1/users/search", "get", 402)).toEqual(["premium_required"]);
    expect(document.paths["/api/v1/auth/register"].post.responses).not.toHaveProperty("402");
  });

  test("is compressed, and not sent again while it is the same", async () => {
    const url = `${running.url}/openapi.json`;
    const first = await fetch(url, { headers: { "accept-encoding": "br" } });
    expect([first.headers.get("content-encoding"), first.headers.get("vary")]).toEqual(["br", "Accept-Encoding"]);
    expect(Number(first.headers.get("content-length"))).toBeLessThan(40_000);
    const etag = first.headers.get("etag") ?? "";
    const again = await fetch(url, { headers: { "if-none-match": `"other", ${etag}` } });
    expect([again.status, await again.text(), again.headers.get("etag")]).toEqual([304, "", etag]);
    expect((await fetch(url, { headers: { "if-none-match": '"other"' } })).status).toBe(200);
  });

  test("takes fields and limits from the schemas that validate", () => {
    const { schema } = document.paths["/api/v1/auth/register"].post.requestBody.content["application/json"];
    expect(schema).toEqual({ $ref: "#/components/schemas/Registration" });
    const registration = document.components.schemas.Registration;
    expect(registration).toMatchObject({ required: ["email", "password"], additionalProperties: false });
    expect(registration.properties.email).toMatchObject({ type: "string", maxLength: 254 });
  });

  test("no schema refers to itself, and each has a name", () => {
    const schemas = document.components.schemas as Record<string, object>;
    expect(Object.keys(schemas).filter((name) => name.startsWith("__"))).toEqual([]);
    for (const [name, schema] of Object.entries(schemas))
      expect([name, JSON.stringify(schema).includes(`"#/components/schemas/${name}"`)]).toEqual([name, false]);
    expect(JSON.stringify(document)).not.toMatch(/"\$ref":"#\/\$defs/);
    expect(schemas.JsonValue).toEqual({ description: "Any JSON value" });
  });

  test("failures are problem documents", () => {
    const reference = document.paths["/api/v1/users/me"].get.responses["401"].$ref;
    expect(reference).toMatch(/^#\/components\/responses\/Unauthorized\d+$/);
    const { content } = document.components.responses[reference.split("/").at(-1)];
    expect(content["application/problem+json"].schema.allOf[0]).toEqual({ $ref: "#/components/schemas/Problem" });
  });

  test("documents X-Tenant, and where it needs `platform:act`", () => {
    const tenantOf = (path: string, method: string) =>
      ((document.paths[path] ?? compatibility.paths[path])[method].parameters ?? []).find(
        (one: { name: string }) => one.name === "X-Tenant",
      )?.description ?? null;
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
