import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { contracts } from "../../../lib/actions/typed-call.ts";
import { waitForGateway } from "../../../scripts/run/ready.ts";
import { type ApiClient, createApiClient } from "../../support/clients/api-client.ts";
import { addBulkFixtures, fullScans, type Scanned } from "../../support/data/bulk-fixtures.ts";
import {
  linkToken,
  mailTo,
  newPerson,
  type Person,
  type Running,
  register,
  signIn,
  verifyAddress,
} from "../../support/flows/main-flow.ts";
import { createTestDatabase, type TestDatabase } from "../../support/start/database.ts";
import { type RunningServices, startServices } from "../../support/start/services.ts";

const ACCOUNTS = 50_000;
/** Of a fourth of the accounts there is a row in each of the tables that are filled. */
const LARGE = ACCOUNTS / 5;

const admin = { email: "admin@example.com", password: "Usher-of-the-Mesh-1" };

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await addBulkFixtures(database, ACCOUNTS);
});
afterAll(() => database?.drop());

/** Runs the whole system over the crowd while `work` lasts; which tables were read from end to end meanwhile. */
async function scansOf(work: (running: Running & RunningServices) => Promise<void>): Promise<Scanned[]> {
  const before = new Map((await fullScans(database, LARGE)).map(({ table, scans }) => [table, scans]));
  const services = await startServices("all", {
    DATABASE_URL: database.url,
    ADMIN_EMAIL: admin.email,
    ADMIN_PASSWORD: admin.password,
  });
  const api = createApiClient(services.url);
  await waitForGateway(services.url);
  await work({ ...services, api, admin }).finally(() => services.stop());
  const after = await fullScans(database, LARGE);
  expect(after.length).toBeGreaterThan(30);
  return after.filter(({ table, scans }) => scans > (before.get(table) ?? 0));
}

async function answered(answers: ReadonlyArray<Promise<{ status: number; body: { code?: string } }>>): Promise<void> {
  const all = await Promise.all(answers);
  expect(all.map(({ status, body }) => [status, body.code]).filter(([status]) => Number(status) >= 300)).toEqual([]);
}

describe(`among ${ACCOUNTS} accounts no table is read from end to end`, () => {
  test("where people sign up, in and out, read and change what is theirs", async () => {
    const scans = await scansOf(async (running) => {
      const { api } = running;
      const person = await register(running, newPerson(), {
        username: `n-${Date.now()}`,
        preferences: { remote: true },
      });
      await verifyAddress(running, person);
      await signsInEveryWay(running, person);
      const { access, refresh } = await signIn(running, person);
      await changeOwnAccount(api, access);
      const { body } = await api.post("auth/refresh", { refresh_token: refresh });
      await lookAtOwnAccount(api, body.data.access_token);
      await api.post("auth/password-reset-request", { email: person.email });
      const token = linkToken(await mailTo(running, person.email, /reset-password/));
      await answered([api.post("auth/password-reset-confirm", { token, new_password: `${person.password}-2` })]);
      const again = await signIn(running, { ...person, password: `${person.password}-2` });
      await answered([api.post("auth/logout-all", undefined, again.access)]);
    });
    expect(scans).toEqual([]);
  });

  test("where an administrator looks through lists, at any page, and changes an account", async () => {
    const scans = await scansOf(async (running) => {
      const { access } = await signIn(running, running.admin);
      for (const list of lists) await answered([running.api.get(`admin/${list}`, access)]);
      const { body } = await running.api.get("admin/users?sort=last_login_at&limit=50", access);
      const { next_cursor } = body.meta;
      expect(typeof next_cursor).toBe("string");
      await answered([running.api.get(`admin/users?sort=last_login_at&cursor=${next_cursor}`, access)]);
      await changeAccount(running.api, access, await register(running));
    });
    expect(scans).toEqual([]);
  });

  test("by the jobs that come every few seconds or minutes, and by an erasure", async () => {
    const scans = await scansOf(async (running) => {
      const person = await register(running);
      const { access } = await signIn(running, person);
      await answered([
        running.api.request("DELETE", "users/me", { token: access, body: { password: person.password, erase: true } }),
      ]);
      const jobs = contracts.flatMap(({ name, actions }) =>
        ["eraseDue", "expireSubscriptions", "rotateKeys", "sweep"]
          .filter((action) => action in actions)
          .map((action) => `${name}.${action}` as "users.sweep"),
      );
      expect(jobs.length).toBeGreaterThan(8);
      for (const job of jobs) await running.call(job, {}, { kind: "service", name: "worker-maintenance" });
      const [row] = await database.query("SELECT 1 FROM users.users WHERE id = $1", [person.id]);
      expect(row).toBeUndefined();
    });
    expect(scans).toEqual([]);
  });
});

async function signsInEveryWay({ api }: Running, { email, password }: Person): Promise<void> {
  const { body } = await api.post("auth/login", { email: email.toUpperCase(), password });
  const username = body.data.user.username as string;
  await answered([api.post("auth/login", { username, password })]);
  expect((await api.post("auth/login", { email, password: "Wrong-1-wrong" })).status).toBe(401);
  expect((await api.post("auth/login", { email: newPerson().email, password: "Wrong-1-wrong" })).status).toBe(401);
}

async function changeOwnAccount(api: ApiClient, access: string): Promise<void> {
  await answered([
    api.patch("users/me", { bio: "Notes." }, access),
    api.put("users/me/profile", { skills: ["analysis"] }, access),
    api.put("users/me/preferences", { privacy_profile: "private" }, access),
  ]);
  await answered([api.post("users/me/upgrade", {}, access)]);
}

async function lookAtOwnAccount(api: ApiClient, access: string): Promise<void> {
  const pages = ["auth/me", "auth/sessions", "users/me", "users/me/profile", "users/me/preferences", "users/me/stats"];
  const more = ["users/me/export", "users/me/activity", "users/me/activity?action=user.updated", "users/search?q=ada"];
  await answered([...pages, ...more].map((path) => api.get(path, access)));
}

const sorts = ["created_at", "-created_at", "last_login_at", "-last_login_at"];
const filters = [
  "",
  "status=active",
  "status=inactive",
  "status=verified",
  "status=unverified",
  "role=admin",
  "role=editor",
];
const lists = [
  ...sorts.flatMap((sort) => filters.map((filter) => `users?sort=${sort}&${filter}`)),
  "users?page=200",
  "users?search=4711@example.com",
  "users?search=4711&status=active&role=editor",
  "activity",
  "activity?action=password.changed",
  "activity?actor=01990000-0000-7000-8000-000000000042",
  `activity?from=2026-01-01T00:00:00Z&to=2026-12-31T00:00:00Z`,
  "activity?action=user.updated&actor=01990000-0000-7000-8000-000000000042",
  "users/01990000-0000-7000-8000-000000000042",
  "users/01990000-0000-7000-8000-000000000042/activity",
  "users/01990000-0000-7000-8000-000000000042/sessions",
];

async function changeAccount(api: ApiClient, access: string, { id }: { readonly id: string }): Promise<void> {
  for (const is_active of [false, true])
    await answered([api.put(`admin/users/${id}/status`, { is_active, reason: "Because." }, access)]);
  await answered([api.request("PATCH", `admin/users/${id}`, { token: access, body: { full_name: "Another" } })]);
}
