import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Answer } from "../support/clients/api-client.ts";
import { vendorOf } from "../support/data/tenants.ts";
import { eventually } from "../support/eventually.ts";
import { type DenialStage, prepareDenials } from "../support/flows/forbidden-actions.ts";
import { newPerson } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

/**
 * [V16.5.1, 16.5.3] Makes each table unavailable in turn, like a broken migration or a wrong grant: every statement
 * on it fails halfway through a request. For unavailable servers see test/mesh.
 */
let usermesh: Usermesh;
let stage: DenialStage;
let tables: readonly string[] = [];
beforeAll(async () => {
  usermesh = await startUsermesh({ REQUEST_TIMEOUT_MS: "4000" });
  stage = await prepareDenials(usermesh);
  const rows = await usermesh.database.query<{ name: string }>(
    `SELECT schemaname || '.' || tablename AS name FROM pg_tables
     WHERE schemaname IN ('users', 'auth', 'sessions', 'admin', 'preferences', 'webhooks') AND tablename <> 'migrations' ORDER BY 1`,
  );
  tables = rows.map(({ name }) => name);
});
afterAll(() => usermesh.stop());

const api = () => usermesh.api;

/** Requests that touch as many tables as possible. */
const doings: Readonly<Record<string, () => Promise<Answer>>> = {
  "signs in": () => api().post("auth/login", { email: stage.victim.email, password: stage.victim.password }),
  "signs up": () => api().post("auth/register", newPerson()),
  "reads the profile": () => api().get("users/me/profile", stage.user.access),
  "changes the account": () => api().patch("users/me", { bio: "x" }, stage.user.access),
  "reads preferences": () => api().get("users/me/preferences", stage.user.access),
  "reads sessions": () => api().get("auth/sessions", stage.user.access),
  "reads the log": () => api().get("users/me/activity", stage.user.access),
  "asks for figures": () => api().get("users/me/stats", stage.user.access),
  "asks for a reset": () => api().post("auth/password-reset-request", { email: newPerson().email }),
};

/** Internals: statements, tables, constraints, stacks, paths, hosts, services, libraries. */
const inside =
  /\b(select|insert|update|delete|relation|constraint|column|syntax|query|postgres|pg_|typeorm|moleculer|nats|redis|bullmq|node_modules|stack|localhost|127\.0\.0\.1|ECONN|\.ts\b|Error:)|at \w+ \(|\/work\/|\/home\/|\/tmp\/|_gone\b/i;

function leaksOf(what: string, { status, body, headers }: Answer): string[] {
  const { instance: _, correlation_id: __, ...rest } = body ?? {};
  const text = JSON.stringify(rest);
  const shown = [...headers.values()].filter((value) => !value.startsWith("default-src")).join(" ");
  if (status < 500 || (!inside.test(text) && !inside.test(shown))) return [];
  return [`${what}: ${status} ${text}`];
}

async function without<T>(table: string, work: () => Promise<T>): Promise<T> {
  const [, name = ""] = table.split(".");
  await usermesh.database.query(`ALTER TABLE ${table} RENAME TO ${name}_gone`);
  try {
    return await work();
  } finally {
    await usermesh.database.query(`ALTER TABLE ${table}_gone RENAME TO ${name}`);
  }
}

async function walk(
  requests: Readonly<Record<string, () => Promise<Answer>>>,
  look: (what: string, answer: Answer) => string[],
) {
  const found: string[] = [];
  const statuses = new Set<number>();
  for (const table of tables) {
    const answers = await without(table, () =>
      Promise.all(Object.entries(requests).map(async ([what, ask]) => [what, await ask()] as const)),
    );
    for (const [what, answer] of answers) {
      statuses.add(answer.status);
      found.push(...look(`${what}, without ${table}`, answer));
    }
    await usermesh.database.query("DELETE FROM auth.login_attempts");
  }
  return { found, statuses };
}

describe("with any table unavailable", () => {
  test("the list of tables and requests is not empty", async () => {
    expect(tables.length).toBeGreaterThan(30);
    for (const ask of Object.values(stage.denials)) expect((await ask()).status).toBeLessThan(500);
    await usermesh.database.query("DELETE FROM auth.login_attempts");
  });

  test("no refused request is accepted", async () => {
    const { found, statuses } = await walk(stage.denials, (what, { status }) =>
      status < 300 ? [`${what}: ${status}`] : [],
    );
    expect(found).toEqual([]);
    expect([...statuses].some((status) => status >= 500)).toBe(true);
  });

  test("no response reveals internals", async () => {
    const { found, statuses } = await walk(doings, leaksOf);
    expect(found).toEqual([]);
    expect([...statuses].some((status) => status >= 500)).toBe(true);
  });

  test("requests succeed again once it is restored", async () => {
    // Breakers that have opened let one call through after two seconds.
    for (const [what, ask] of Object.entries(doings)) await eventually(what, async () => (await ask()).status < 300);
    expect((await api().get("admin/users", await vendorOf(usermesh))).status).toBe(200);
  });
});
