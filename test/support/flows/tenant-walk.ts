import { beforeAll, describe, expect, test } from "@jest/globals";
import { routes } from "../../../services/gateway/routes.ts";
import type { ApiRoute, EventsRoute } from "../../../services/gateway/routes.types.ts";
import {
  inTenant,
  type Member,
  newMember,
  newRole,
  newTenant,
  signInTo,
  type TestTenant,
  vendorOf,
} from "../data/tenants.ts";
import type { Installation } from "../start/installation.ts";

type Walked = Pick<Installation, "api" | "admin" | "mails" | "database" | "settled">;

interface Ground {
  readonly home: TestTenant;
  readonly foreign: TestTenant;
  readonly victim: Member;
  /** Of the victim. */
  readonly session: string;
  /** Of the foreign tenant. */
  readonly webhook: string;
  readonly person: Member;
  /** All rows of the foreign tenant. */
  readonly before: string;
}

type Walk = ApiRoute | EventsRoute;
const api = routes.filter((route): route is Walk => route.kind !== "page");

/** Signs in again after each action, because it may have ended the session. */
const walkers: ReadonlyArray<{
  readonly role: string;
  token(running: Walked, ground: Ground): Promise<string | undefined>;
}> = [
  { role: "anonymous", token: async () => undefined },
  { role: "a user", token: async (running, { home, person }) => (await signInTo(running, home.slug, person)).access },
  {
    role: "an administrator",
    token: async (running, { home }) => (await signInTo(running, home.slug, home.admin)).access,
  },
  { role: "the vendor", token: (running) => vendorOf(running) },
];

/** Every route of the table × every role × the ids of another tenant: nothing of it is seen or changed. */
export function describeTenantWalk(installation: () => Walked): void {
  let ground: Ground;
  beforeAll(async () => {
    ground = await prepare(installation());
  });

  describe.each(walkers)("$role", ({ role, token }) => {
    test("sees nothing of another tenant on any route", async () => {
      const running = installation();
      const seen: string[] = [];
      let bearer = await token(running, ground);
      for (const route of api) {
        for (const { path, body } of targetsOf(route, ground)) {
          const signedIn = route.auth === "public" ? undefined : bearer;
          const answer = await running.api.request(route.method, path, { token: signedIn, ...(body && { body }) });
          if (answer.status < 300 && route.method !== "GET") bearer = await token(running, ground);
          const found = shownOf(answer, ground).filter((one) => !isOwnAct(role, route, one, ground));
          if (found.length > 0 || answer.status === 500) seen.push(`${route.method} ${path} ${answer.status} ${found}`);
        }
      }
      expect(seen).toEqual([]);
    });

    test("has changed nothing of another tenant", async () => {
      await installation().settled();
      expect(await rowsOfForeign(installation(), ground)).toBe(ground.before);
    });

    if (role === "a user" || role === "an administrator")
      test("is refused wherever another tenant is named in X-Tenant", async () => {
        const allowed: string[] = [];
        const bearer = await token(installation(), ground);
        for (const route of api.filter((one) => one.auth === "user")) {
          const path = pathsOf(route, ground)[0] as string;
          const options = { token: bearer, headers: inTenant(ground.foreign.slug) };
          const { status } = await installation().api.request(route.method, path, options);
          if (status !== 403) allowed.push(`${route.method} ${path} ${status}`);
        }
        expect(allowed).toEqual([]);
      });
  });

  test("the walk is worth something: a member of the foreign tenant sees what the others must not", async () => {
    const { victim, foreign } = ground;
    const { access } = await signInTo(installation(), foreign.slug, foreign.admin);
    const { body } = await installation().api.get(`admin/users/${victim.id}`, access);
    expect(body.data.email).toBe(victim.email);
    expect(api.length).toBeGreaterThan(60);
    const sent = new Set(api.flatMap((route) => ("action" in route && route.action in bodies ? [route.action] : [])));
    expect(Object.keys(bodies).filter((action) => !sent.has(action as ApiRoute["action"]))).toEqual([]);
  });
}

async function prepare(running: Walked): Promise<Ground> {
  const vendor = await vendorOf(running);
  const [home, foreign] = [await newTenant(running, vendor), await newTenant(running, vendor)];
  const person = await newMember(running, home.slug);
  const victim = await newMember(running, foreign.slug);
  await newRole(running, foreign, "theirs", ["users:read"]);
  // Both tenants have roles of one name: what is done to the own one must not reach the other.
  await newRole(running, foreign, "same", ["users:read"]);
  const { access } = await signInTo(running, foreign.slug, foreign.admin);
  await running.api.patch(`admin/users/${victim.id}`, { roles: ["same"] }, access);
  await newRole(running, home, "same", ["users:read"]);
  const seen = (await signInTo(running, foreign.slug, victim)).access;
  const session: string = (await running.api.get("auth/sessions", seen)).body.data[0].id;
  const hook = { url: "https://receiver.invalid/", event_types: ["user.erased"] };
  const webhook: string = (await running.api.post("admin/webhooks", hook, access)).body.data.id;
  await running.settled();
  const ground = { home, foreign, victim, session, webhook, person };
  return { ...ground, before: await rowsOfForeign(running, ground) };
}

type Marks = Pick<Ground, "foreign" | "victim" | "session" | "webhook">;

const ids = ({ victim, session, foreign }: Marks) => [victim.id, session, foreign.id, foreign.admin.id];

/** What must never stand in an answer to a stranger. */
const secrets = ({ victim, session, foreign, webhook }: Marks) => [
  victim.id,
  victim.email,
  session,
  webhook,
  foreign.admin.id,
  foreign.admin.email,
];

/** The vendor's export contains the people they invited. */
const isOwnAct = (role: string, route: Walk, secret: string, { foreign }: Marks): boolean =>
  role === "the vendor" && "action" in route && route.action === "users.export" && secret === foreign.admin.id;

/** All that is stored of the foreign tenant, but what only grows: logs, events, counters. */
async function rowsOfForeign({ database }: Walked, ground: Marks): Promise<string> {
  const tables = await database.query<{ name: string }>(
    `SELECT schemaname || '.' || tablename AS name FROM pg_tables
     WHERE schemaname IN ('users', 'auth', 'sessions', 'preferences', 'mail', 'webhooks')
       AND tablename NOT IN ('migrations', 'outbox', 'inbox', 'idempotency', 'event_counters', 'revocation_log', 'leases') ORDER BY 1`,
  );
  const marks = [...ids(ground), ground.victim.email, ground.foreign.slug].map((mark) => `%${mark}%`);
  const rows = await Promise.all(
    tables.map(({ name }) =>
      database.query<{ row: string }>(`SELECT t::text AS row FROM ${name} AS t WHERE t::text LIKE ANY($1) ORDER BY 1`, [
        marks,
      ]),
    ),
  );
  return JSON.stringify(rows);
}

/** The path with foreign ids in all its places, once for each id; a role by the name that both tenants know, and by theirs. */
function pathsOf(route: Walk, ground: Marks): string[] {
  if (!route.path.includes("{")) return [route.path];
  const named = (name: string): string | undefined => ({ provider: "google", name: "mail" })[name];
  if (route.path.includes("roles/{name}")) return ["theirs", "same"].map((name) => route.path.replace("{name}", name));
  const used = route.path.includes("/webhooks/") ? [ground.webhook] : ids(ground);
  return used.map((id) => route.path.replace(/\{(\w+)\}/g, (_, name: string) => named(name) ?? id));
}

/** Good ones, so that what is refused is refused for its tenant and not for a field. */
const bodies: Partial<Record<ApiRoute["action"], object>> = {
  "users.adminUpdate": { full_name: "Mallory", roles: [], is_verified: false, subscription: { plan: "gold" } },
  "users.setStatus": { is_active: false },
  "users.adminDelete": { erase: true },
  "auth.sendLink": { kind: "password_reset" },
  "users.updateRole": { permissions: ["users:read", "users:write"] },
  "webhooks.update": { is_enabled: false },
};

/** In the query every name that a client could hope for, in the body likewise: unknown fields are refused. */
function targetsOf(route: Walk, ground: Ground): Array<{ path: string; body?: object }> {
  const { foreign, victim } = ground;
  const query = new URLSearchParams({
    tenant: foreign.slug,
    tenant_id: foreign.id,
    user_id: victim.id,
    id: victim.id,
    actor: victim.id,
    search: victim.email,
    q: victim.email,
  });
  const hoped = { tenant_id: foreign.id, tenant: foreign.slug, user_id: victim.id, id: victim.id };
  const good = "action" in route ? bodies[route.action] : undefined;
  return pathsOf(route, ground).flatMap((path) => {
    const target = `${path}?${query}`;
    if (route.kind !== "json" || route.input !== "body") return [{ path: target }];
    return [{ path: target, body: hoped }, ...(good ? [{ path: target, body: good }] : [])];
  });
}

/** What an answer shows of the foreign tenant, without what the request itself named: a problem's `instance` is the path. */
function shownOf({ status, body }: { status: number; body: unknown }, ground: Marks): string[] {
  if (status >= 400) return [];
  const { data = body } = (body ?? {}) as { data?: unknown };
  const text = JSON.stringify({ data });
  return secrets(ground).filter((secret) => text.includes(secret));
}
