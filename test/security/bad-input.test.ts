import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { newPerson, register, signIn } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";
import { routeTable } from "../support/tables/route-table.ts";

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

interface Operation {
  readonly tags?: readonly string[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly security?: ReadonlyArray<Record<string, unknown>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

interface BodyRoute {
  readonly method: string;
  readonly path: string;
  readonly schema: Schema;
  readonly token: string;
}

/** Errors name the canonical field. */
const aliases: Readonly<Record<string, string>> = {
  name: "full_name",
  job_title: "current_title",
  password: "new_password",
  role: "roles.0",
};

let usermesh: Usermesh;
const routes: BodyRoute[] = [];
let userToken = "";
let before: Record<string, string> = {};

beforeAll(async () => {
  usermesh = await startUsermesh();
  const person = await register(usermesh, newPerson());
  const user = await signIn(usermesh, person);
  const admin = await signIn(usermesh, usermesh.admin);
  userToken = user.access;
  const tokenFor = (operation: string) => (isForUsers(operation) ? userToken : admin.access);
  for (const name of ["openapi", "openapi-compatibility"]) {
    const document = (await (await fetch(`${usermesh.url}/${name}.json`)).json()) as Document;
    routes.push(...bodyRoutes(document, tokenFor, person.id));
  }
  await usermesh.settled();
  before = await usermesh.rowCounts();
});

afterAll(() => usermesh.stop());

/** The seeded administrator, who is the vendor too, may send the rest. */
function isForUsers(operation: string): boolean {
  const [row] = [routeTable[operation] ?? []].flat();
  return row?.statuses[1] !== 403;
}

function bodyRoutes(document: Document, tokenFor: (operation: string) => string, id: string): BodyRoute[] {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, operation]) => {
      const schema = operation.requestBody?.content["application/json"]?.schema;
      if (!schema) return [];
      const resolved = resolve(document, schema);
      return [
        {
          method: method.toUpperCase(),
          path: filled(path, id),
          schema: withRefs(document, resolved),
          token: tokenFor(`${method.toUpperCase()} ${path}`),
        },
      ];
    }),
  );
}

/** Something that is there, or looks like it, for each parameter of a path. */
function filled(path: string, id: string): string {
  const named: Readonly<Record<string, string>> = {
    "/queues/{name}": "/queues/mail",
    "/roles/{name}": "/roles/clerk",
    "/{provider}": "/google",
    "/{token}": "/v1.k1.0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60.x",
  };
  const known = Object.entries(named).reduce((text, [pattern, value]) => text.replace(pattern, value), path);
  return known.replace(/\{(?:id|user_id)\}/, id);
}

function resolve(document: Document, schema: Schema): Schema {
  const name = schema.$ref?.split("/").at(-1);
  return name ? resolve(document, document.components.schemas[name] ?? {}) : schema;
}

function withRefs(document: Document, schema: Schema): Schema {
  const properties = Object.entries(schema.properties ?? {}).map(
    ([name, one]) => [name, resolve(document, one)] as const,
  );
  return { ...schema, properties: Object.fromEntries(properties) };
}

/** The alternatives except null. */
function alternatives(schema: Schema): readonly Schema[] {
  return (schema.anyOf ?? [schema]).filter((one) => one.type !== "null");
}

function wrongType(schema: Schema): unknown {
  const types = alternatives(schema).flatMap((one) => one.type ?? "object");
  return types.includes("object") ? "text" : { unexpected: {} };
}

function overLimit(schema: Schema): unknown {
  for (const one of alternatives(schema)) {
    if (one.maxLength !== undefined) return "a".repeat(one.maxLength + 1);
    if (one.maxItems !== undefined) return Array.from({ length: one.maxItems + 1 }, () => "a");
    if (one.maximum !== undefined) return one.maximum + 1;
  }
  return undefined;
}

async function send(
  route: BodyRoute,
  body: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Problem }> {
  const response = await fetch(usermesh.url + route.path, {
    method: route.method,
    headers: { "content-type": "application/json", authorization: `Bearer ${route.token}`, ...headers },
    body,
  });
  return { status: response.status, body: (await response.json()) as Problem };
}

interface Problem {
  readonly code: string;
  readonly errors?: ReadonlyArray<{ readonly field: string; readonly code: string }>;
}

async function refusals(bodyOf: (schema: Schema, field: string) => unknown): Promise<string[]> {
  const wrong: string[] = [];
  for (const route of routes) {
    for (const [field, schema] of Object.entries(route.schema.properties ?? {})) {
      const value = bodyOf(schema, field);
      if (value === undefined) continue;
      const answer = await send(route, JSON.stringify({ [field]: value }));
      const named = answer.body.errors?.some(
        (error) => error.field === field || error.field === aliases[field] || error.field.startsWith(`${field}.`),
      );
      if (answer.status !== 422 || answer.body.code !== "validation_failed" || !named) {
        wrong.push(`${route.method} ${route.path} ${field}: ${answer.status} ${JSON.stringify(answer.body)}`);
      }
    }
  }
  return wrong;
}

const isIntrospection = ({ path }: BodyRoute) => path.endsWith("/introspect");

async function answersOfAll(body: string, headers?: Record<string, string>, asked = routes): Promise<string[]> {
  const answers = new Set<string>();
  for (const route of asked) {
    const answer = await send(route, body, headers);
    answers.add(`${answer.status} ${answer.body.code}`);
  }
  return [...answers];
}

describe("invalid input is refused with a clear error", () => {
  test("finds routes to test", () => {
    expect(routes.length).toBeGreaterThan(50);
  });

  test("names a field of the wrong type", async () => {
    expect(await refusals(wrongType)).toEqual([]);
  });

  test("names a field over its limit", async () => {
    expect(await refusals(overLimit)).toEqual([]);
  });

  test("names a missing field", async () => {
    for (const route of routes.filter((one) => (one.schema.required ?? []).length > 0)) {
      const { status, body } = await send(route, "{}");
      const named = (body.errors ?? []).map((error) => error.field);
      expect([route.path, status, named]).toEqual([
        route.path,
        422,
        expect.arrayContaining([...(route.schema.required ?? [])]),
      ]);
    }
  });

  test.each([
    "roles",
    "tenant_id",
    "is_verified",
    "is_active",
    "is_admin",
    "permissions",
    "user_id",
    "id",
    "tier",
    "password_hash",
  ])("names the unknown field %s", async (field) => {
    for (const route of routes.filter((one) => !Object.hasOwn(one.schema.properties ?? {}, field))) {
      const { status, body } = await send(route, JSON.stringify({ [field]: ["admin"] }));
      const named = body.errors?.find((error) => error.field === field)?.code;
      expect([route.path, status, body.code, named]).toEqual([route.path, 422, "validation_failed", "unknown_field"]);
    }
  });

  test.each(["__proto__", "constructor", "prototype", "\\u005f_proto__"])(
    "%s in a body is refused, even when nested",
    async (name) => {
      for (const body of [`{"${name}": {"roles": ["admin"]}}`, `{"x": [{"${name}": 1}]}`])
        expect(await answersOfAll(body)).toEqual(["422 validation_failed"]);
    },
  );

  test.each([
    ["malformed JSON", '{"email": '],
    ["text that is not JSON", "hello"],
    ["text after the JSON", '{"a": 1}}'],
    ["a lone surrogate byte sequence", '{"a": "\ud800"'],
    ["20,000 levels", `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`.slice(0, 60_000)],
    ["20,000 brackets", `${"[".repeat(20_000)}${"]".repeat(20_000)}`],
  ])("%s is 400 invalid_json", async (_, body) => {
    expect(await answersOfAll(body)).toEqual(["400 invalid_json"]);
  });

  test("a body over the limit is 413", async () => {
    expect(await answersOfAll(JSON.stringify({ email: "a".repeat(70_000) }))).toEqual(["413 payload_too_large"]);
  });

  test.each(["text/plain", "application/json; charset=utf-16", "multipart/form-data; boundary=b", "text/xml"])(
    "%s is 415",
    async (type) => {
      expect(await answersOfAll("{}", { "content-type": type })).toEqual(["415 unsupported_media_type"]);
    },
  );

  test("a form, which any website can send, is 415 except for introspection", async () => {
    const type = { "content-type": "application/x-www-form-urlencoded" };
    const [forms, others] = [routes.filter(isIntrospection), routes.filter((route) => !isIntrospection(route))];
    expect(await answersOfAll("{}", type, others)).toEqual(["415 unsupported_media_type"]);
    expect(await answersOfAll("{}", type, forms)).toEqual(["422 validation_failed"]);
  });

  test("none of it was stored", async () => {
    await usermesh.settled();
    expect(await usermesh.rowCounts()).toEqual(before);
  });
});
