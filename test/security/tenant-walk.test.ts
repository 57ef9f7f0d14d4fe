import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type ApiRoute, routes } from "../../services/gateway/routes.ts";
import {
  inTenant,
  type Member,
  newMember,
  newTenant,
  signInTo,
  type TestTenant,
  vendorOf,
} from "../support/tenants.ts";
import { startUsermesh, type Usermesh } from "../support/usermesh.ts";

/** Every route of the table × every role × the ids of another tenant: nothing of it is seen or changed. */

let mesh: Usermesh;
let home: TestTenant;
let foreign: TestTenant;
let victim: Member;
let session: string;
let before: string;

beforeAll(async () => {
  mesh = await startUsermesh({ LOG_LEVEL: "fatal" });
  const vendor = await vendorOf(mesh);
  home = await newTenant(mesh, vendor);
  foreign = await newTenant(mesh, vendor);
  victim = await newMember(mesh, foreign.slug);
  await mesh.api.post("admin/roles", { name: "theirs", permissions: ["users:read"] }, foreign.admin.access);
  foreign.admin.access = (await signInTo(mesh, foreign.slug, foreign.admin)).access;
  session = (await mesh.api.get("auth/sessions", victim.access)).body.data[0].id;
  await mesh.settled();
  before = await rowsOfForeign();
});
afterAll(() => mesh?.stop());

const api = routes.filter((route): route is ApiRoute => route.kind === "api");
const ids = () => [victim.id, session, foreign.id, foreign.admin.id];

/** What must never stand in an answer to a stranger. */
const secrets = () => [victim.id, victim.email, session, foreign.admin.id, foreign.admin.email];

/** All that is stored of the foreign tenant, but what only grows: logs, events, counters. */
async function rowsOfForeign(): Promise<string> {
  const tables = await mesh.database.query<{ name: string }>(
    `SELECT schemaname || '.' || tablename AS name FROM pg_tables
     WHERE schemaname IN ('users', 'auth', 'sessions', 'preferences', 'mail')
       AND tablename NOT IN ('migrations', 'outbox', 'inbox', 'idempotency', 'event_counters', 'feed', 'gateway_leases') ORDER BY 1`,
  );
  const marks = [...ids(), victim.email, foreign.slug].map((mark) => `%${mark}%`);
  const rows = await Promise.all(
    tables.map(({ name }) =>
      mesh.database.query<{ row: string }>(
        `SELECT t::text AS row FROM ${name} AS t WHERE t::text LIKE ANY($1) ORDER BY 1`,
        [marks],
      ),
    ),
  );
  return JSON.stringify(rows);
}

const named: Readonly<Record<string, string>> = { name: "theirs", provider: "google" };

/** The path with foreign ids in all its places, once for each id. */
function pathsOf(route: ApiRoute): string[] {
  if (!route.path.includes("{")) return [route.path];
  return ids().map((id) => route.path.replace(/\{(\w+)\}/g, (_, name: string) => named[name] ?? id));
}

/** In the query every name that a client could hope for, in the body likewise: unknown fields are refused. */
function targetsOf(route: ApiRoute): Array<{ path: string; body?: object }> {
  const query = new URLSearchParams({
    tenant: foreign.slug,
    tenant_id: foreign.id,
    user_id: victim.id,
    id: victim.id,
    actor: victim.id,
    search: victim.email,
    q: victim.email,
  });
  const body = { tenant_id: foreign.id, tenant: foreign.slug, user_id: victim.id, id: victim.id };
  return pathsOf(route).map((path) => ({
    path: `${path}?${query}`,
    ...(route.input === "body" && { body }),
  }));
}

interface Walker {
  readonly role: string;
  token(): Promise<string | undefined>;
}

/** Signed in anew after whatever was done: it may have ended the session. */
const walkers: readonly Walker[] = [
  { role: "anonymous", token: async () => undefined },
  { role: "a user", token: async () => (await signInTo(mesh, home.slug, await person())).access },
  { role: "an administrator", token: async () => (await signInTo(mesh, home.slug, home.admin)).access },
  { role: "the vendor", token: () => vendorOf(mesh) },
];

let known: Member | undefined;
async function person(): Promise<Member> {
  known ??= await newMember(mesh, home.slug);
  return known;
}

/** What an answer shows of the foreign tenant, without what the request itself named. */
function shownOf(answer: { body: unknown }): string[] {
  const { data = answer.body } = (answer.body ?? {}) as { data?: unknown };
  const text = JSON.stringify({ ...(typeof data === "object" ? { data } : { text: data }) });
  return secrets().filter((secret) => text.includes(secret));
}

/** A problem's `instance` is the path that was asked for. */
const isProblem = (status: number) => status >= 400;

describe.each(walkers)("$role", ({ role, token }) => {
  test("sees nothing of another tenant on any route", async () => {
    const seen: string[] = [];
    // His own log and export name the account that he himself invited.
    const ownActs = new Set([`the vendor ${foreign.admin.id}`]);
    let bearer = await token();
    for (const route of api) {
      for (const { path, body } of targetsOf(route)) {
        const signedIn = route.who === "public" ? undefined : bearer;
        const answer = await mesh.api.request(route.method, path, { token: signedIn, ...(body && { body }) });
        if (answer.status < 300 && route.method !== "GET") bearer = await token();
        const found = isProblem(answer.status) ? [] : shownOf(answer).filter((one) => !ownActs.has(`${role} ${one}`));
        if (found.length > 0 || answer.status === 500) seen.push(`${route.method} ${path} ${answer.status} ${found}`);
      }
    }
    expect(seen).toEqual([]);
  }, 90_000);

  test("has changed nothing of another tenant", async () => {
    await mesh.settled();
    expect(await rowsOfForeign()).toBe(before);
  });

  if (role === "a user" || role === "an administrator")
    test("is refused wherever another tenant is named in X-Tenant", async () => {
      const allowed: string[] = [];
      const bearer = await token();
      for (const route of api.filter((one) => one.who === "user")) {
        const path = pathsOf(route)[0] as string;
        const answer = await mesh.api.request(route.method, path, { token: bearer, headers: inTenant(foreign.slug) });
        if (answer.status !== 403) allowed.push(`${route.method} ${path} ${answer.status}`);
      }
      expect(allowed).toEqual([]);
    });
});

test("the walk is worth something: a member of the foreign tenant sees what the others must not", async () => {
  const { body } = await mesh.api.get(`admin/users/${victim.id}`, foreign.admin.access);
  expect(body.data.email).toBe(victim.email);
  expect(api.length).toBeGreaterThan(40);
});
