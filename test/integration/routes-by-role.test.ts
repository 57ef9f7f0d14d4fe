import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { newPerson, register, signIn } from "../support/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/usermesh.ts";

type Role = "anonymous" | "user" | "premium" | "admin";
const roles: readonly Role[] = ["anonymous", "user", "premium", "admin"];

interface Operation {
  readonly security?: ReadonlyArray<Record<string, unknown>>;
  readonly description?: string;
  readonly tags: readonly string[];
}

let usermesh: Usermesh;
let tokens: Readonly<Record<Role, string | undefined>>;
let operations: Array<{ method: string; path: string; operation: Operation }>;

beforeAll(async () => {
  usermesh = await startUsermesh();
  const [user, premium] = await Promise.all([register(usermesh, newPerson()), register(usermesh, newPerson())]);
  const paid = await signIn(usermesh, premium);
  await usermesh.api.post("users/me/upgrade", {}, paid.access);
  tokens = {
    anonymous: undefined,
    user: (await signIn(usermesh, user)).access,
    premium: (await signIn(usermesh, premium)).access,
    admin: (await signIn(usermesh, usermesh.admin)).access,
  };
  const document = (await usermesh.api.get("/openapi.json")).body;
  operations = Object.entries(document.paths as Record<string, Record<string, Operation>>).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}, 60_000);
afterAll(() => usermesh.stop());

const nobody = "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60";
/** They would end what the other rows stand on. */
const ending = /logout|downgrade|upgrade|^DELETE .*users\/(?:me|profile)$/;

function statusOf(method: string, path: string, role: Role): Promise<number> {
  const target = path
    .replace("{token}", "x")
    .replace("{name}", "nobody")
    .replace("{job}", "1")
    .replace("{provider}", "nobody")
    .replace(/\{(?:image|file)\}/, "none.js")
    .replace(/\{\w+\}/g, nobody);
  const unread = { body: { not_a_field: true } };
  return usermesh.api
    .request(method, target, { token: tokens[role], ...(method === "GET" || method === "DELETE" ? {} : unread) })
    .then(({ status }) => status);
}

/** What the document says of an operation is what its doors do. */
function expected({ security = [], description = "" }: Operation, role: Role): "in" | 401 | 402 | 403 {
  const isOpen = security.length === 0 || security.some((one) => Object.keys(one).length === 0);
  if (isOpen) return "in";
  if (role === "anonymous") return 401;
  if (description.startsWith("Needs a premium")) return role === "user" ? 402 : "in";
  return description.startsWith("Needs the permission") && role !== "admin" ? 403 : "in";
}

describe("every operation of the document", () => {
  test.each(roles)(
    "lets in or refuses as it says: %s",
    async (role) => {
      const wrong: string[] = [];
      for (const { method, path, operation } of operations.filter((one) => !ending.test(`${one.method} ${one.path}`))) {
        const status = await statusOf(method, path, role);
        const wanted = expected(operation, role);
        const isRefused = [401, 402, 403, 405].includes(status);
        if (status >= 500 || (wanted === "in" ? isRefused : status !== wanted))
          wrong.push(`${method} ${path}: ${status}, expected ${wanted}`);
      }
      expect(wrong).toEqual([]);
    },
    60_000,
  );

  test("the paths of earlier systems are among them", () => {
    const paths = new Set(
      operations
        .filter((one) => one.operation.tags.includes("Compatibility"))
        .map(({ method, path }) => `${method} ${path}`),
    );
    const both = [
      "POST /auth/register",
      "POST /auth/login",
      "POST /auth/refresh",
      "POST /auth/logout",
      "GET /auth/oauth/{provider}",
      "GET /auth/oauth/{provider}/callback",
      "GET /users/profile",
      "PUT /users/profile",
      "POST /users/profile/avatar",
      "GET /users/preferences",
      "PUT /users/preferences",
      "GET /admin/users",
      "GET /admin/users/{id}",
      "PUT /admin/users/{id}/status",
    ];
    const once = [
      "POST /api/register",
      "POST /api/login",
      "POST /api/refresh",
      "POST /api/logout",
      "POST /api/verify-email",
      "POST /api/reset-password",
      "POST /api/reset-password/{token}",
      "GET /api/users",
      "GET /api/users/{user_id}/activity",
      "GET /apidocs",
      "POST /api/v1/auth/password-reset",
      "POST /api/v1/auth/password-reset/confirm",
      "GET /api/v1/users/profile",
      "PATCH /api/v1/users/profile",
      "GET /api/v1/users/preferences",
      "PATCH /api/v1/users/preferences",
      "GET /api/v1/health",
      "GET /swagger",
    ];
    const wanted = [...both, ...both.map((one) => one.replace(" /", " /api/")), ...once];
    expect(wanted.filter((one) => !paths.has(one))).toEqual([]);
  });
});
