import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Answer } from "../support/api-client.ts";
import { newPerson, type Person, register, signIn } from "../support/main-flow.ts";
import { vendorOf } from "../support/tenants.ts";
import { startUsermesh, type Usermesh } from "../support/usermesh.ts";

/**
 * [V16.5.1, 16.5.3] Each table of ours is taken away in turn, as a broken migration or a wrong grant would: every statement
 * about it fails half way through a request. What happens with whole servers away: test/mesh.
 */
let usermesh: Usermesh;
let user: Person & { id: string; access: string };
let ended: { access: string; refresh: string };
let spent: string;
let victim: Person & { id: string };
let tables: readonly string[] = [];
beforeAll(async () => {
  usermesh = await startUsermesh({ REQUEST_TIMEOUT_MS: "4000" });
  const [one, other] = [await register(usermesh), await register(usermesh)];
  user = { ...one, access: (await signIn(usermesh, one)).access };
  victim = other;
  ended = await signIn(usermesh, other);
  await usermesh.api.post("auth/logout", undefined, ended.access);
  ({ refresh: spent } = await signIn(usermesh, other));
  await usermesh.api.post("auth/refresh", { refresh_token: spent });
  await usermesh.database.query(
    "UPDATE sessions.sessions SET spent_at = ARRAY[now() - interval '1 hour'] WHERE user_id = $1",
    [other.id],
  );
  const rows = await usermesh.database.query<{ name: string }>(
    `SELECT schemaname || '.' || tablename AS name FROM pg_tables
     WHERE schemaname IN ('users', 'auth', 'sessions', 'admin', 'preferences') AND tablename <> 'migrations' ORDER BY 1`,
  );
  tables = rows.map(({ name }) => name);
});
afterAll(() => usermesh.stop());

const api = () => usermesh.api;

/** What must be refused, whatever is broken. None of it may ever be 2xx. */
const denials: Readonly<Record<string, () => Promise<Answer>>> = {
  "a wrong password": () => api().post("auth/login", { email: victim.email, password: "Wrong-horse-7-staple" }),
  "an unknown account": () => api().post("auth/login", { email: newPerson().email, password: "Wrong-horse-7-staple" }),
  "an ended session": () => api().get("users/me", ended.access),
  "an ended session's refresh": () => api().post("auth/refresh", { refresh_token: ended.refresh }),
  "a spent refresh token": () => api().post("auth/refresh", { refresh_token: spent }),
  "a user on an administrator's path": () => api().get("admin/users", user.access),
  "a user who makes himself an administrator": () =>
    api().patch(`admin/users/${user.id}`, { roles: ["admin"] }, user.access),
  "a user without a subscription": () => api().get("users/search?q=ada", user.access),
  "a changed password without the old one": () =>
    api().post(
      "auth/change-password",
      { current_password: "Wrong-horse-7-staple", new_password: "Fresh-horse-8-staple" },
      user.access,
    ),
  "a deletion without the password": () =>
    api().request("DELETE", "users/me", { token: user.access, body: { password: "Wrong-horse-7-staple" } }),
  "another's mailed token": () => api().post("auth/verify-email", { token: `v1.k1.${user.id}.${"A".repeat(43)}` }),
  "a taken address": () => api().post("auth/register", { ...newPerson(), email: victim.email }),
};

/** What people do, to provoke as many kinds of failure as there are. */
const doings: Readonly<Record<string, () => Promise<Answer>>> = {
  "signs in": () => api().post("auth/login", { email: victim.email, password: victim.password }),
  "signs up": () => api().post("auth/register", newPerson()),
  "reads the profile": () => api().get("users/me/profile", user.access),
  "changes the account": () => api().patch("users/me", { bio: "x" }, user.access),
  "reads preferences": () => api().get("users/me/preferences", user.access),
  "reads sessions": () => api().get("auth/sessions", user.access),
  "reads the log": () => api().get("users/me/activity", user.access),
  "asks for figures": () => api().get("users/me/stats", user.access),
  "asks for a reset": () => api().post("auth/password-reset-request", { email: newPerson().email }),
};

/** Nothing of the inside: no statement, table, constraint, stack, path, host, service or library. */
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
    await usermesh.database.query("DELETE FROM auth.guesses");
  }
  return { found, statuses };
}

describe("with any table away", () => {
  test("there is something to take away, and something to be told", async () => {
    expect(tables.length).toBeGreaterThan(30);
    for (const ask of Object.values(denials)) expect((await ask()).status).toBeLessThan(500);
    await usermesh.database.query("DELETE FROM auth.guesses");
  });

  test("no refusal becomes a yes", async () => {
    const { found, statuses } = await walk(denials, (what, { status }) => (status < 300 ? [`${what}: ${status}`] : []));
    expect(found).toEqual([]);
    expect([...statuses].some((status) => status >= 500)).toBe(true);
  }, 180_000);

  test("no answer tells of the inside", async () => {
    const { found, statuses } = await walk(doings, leaksOf);
    expect(found).toEqual([]);
    expect([...statuses].some((status) => status >= 500)).toBe(true);
  }, 180_000);

  test("and all is well again when it is back", async () => {
    for (const [what, ask] of Object.entries(doings)) expect([what, (await ask()).status < 300]).toEqual([what, true]);
    expect((await api().get("admin/users", await vendorOf(usermesh))).status).toBe(200);
  });
});
