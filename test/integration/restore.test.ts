import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { connect } from "nats";
import { natsOptions } from "../../lib/runtime/nats-options.ts";
import { waitForGateway } from "../../scripts/run/ready.ts";
import { createApiClient } from "../support/clients/api-client.ts";
import { backUp, type DatabaseBackup } from "../support/data/database-backup.ts";
import { eventually } from "../support/eventually.ts";
import { createTestDatabase, type TestDatabase } from "../support/start/database.ts";
import { firstAdmin } from "../support/start/installation.ts";
import { type Server, startNatsServer } from "../support/start/servers.ts";
import { type RunningServices, startServices } from "../support/start/services.ts";

/** The steps of docs/operations.md: PostgreSQL is restored, and the streams are new. */
const password = "Fine-horse-7-staple";
const signInOf = ({ email }: { readonly email: string }) => ({ email, password });
const ada = { email: "ada@example.com", password, full_name: "Ada" };
const late = { email: "late@example.com", password, full_name: "Late" };

let nats: Server;
let restored: TestDatabase;
let running: RunningServices;
let backup: DatabaseBackup;
let refresh: string;

const admin = { ADMIN_EMAIL: firstAdmin.email, ADMIN_PASSWORD: firstAdmin.password };
const apiOf = async (one: RunningServices) => {
  await waitForGateway(one.url);
  return createApiClient(one.url);
};

beforeAll(async () => {
  const before = await startNatsServer();
  const lost = await startServices("all", { ...admin, NATS_URL: before.url });
  const api = await apiOf(lost);
  expect((await api.post("auth/register", ada)).status).toBe(201);
  refresh = (await api.post("auth/login", signInOf(ada))).body.data.refresh_token;
  // Some are on their way while the backup is made.
  const crowd = Array.from({ length: 10 }, (_, n) =>
    api.post("auth/register", { email: `crowd-${n}@example.com`, password, full_name: "Crowd" }),
  );
  backup = await backUp(lost.database.url);
  await Promise.all(crowd);
  expect((await api.post("auth/register", late)).status).toBe(201);
  await lost.stop();
  await before.stop();

  restored = await createTestDatabase();
  await backup.restore(restored.url);
  nats = await startNatsServer();
  running = await startServices("all", { ...admin, NATS_URL: nats.url, DATABASE_URL: restored.url });
}, 120_000);
afterAll(async () => {
  await running?.stop();
  await nats?.stop();
  await restored?.drop();
});

test("a restored installation serves the accounts of the backup, with their sessions", async () => {
  const api = await apiOf(running);
  expect((await api.post("auth/refresh", { refresh_token: refresh })).status).toBe(200);
  expect((await api.post("auth/login", signInOf(ada))).status).toBe(200);
});

test("accounts from after the backup are unknown, and can register again", async () => {
  const api = await apiOf(running);
  expect((await api.post("auth/login", signInOf(late))).status).toBe(401);
  expect((await api.post("auth/register", late)).status).toBe(201);
  await eventually("the mail", () => running.mails().some(({ to }) => to.includes(late.email)));
});

test("the restored services agree: each credential and session has an account, and nothing waits in an outbox", async () => {
  await running.settled();
  const count = async (sql: string) =>
    (await restored.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${sql}`))[0]?.n;
  expect(await count("sessions.sessions s WHERE NOT EXISTS (SELECT FROM users.users u WHERE u.id = s.user_id)")).toBe(
    0,
  );
  // A credential may come first: it is swept after a day (docs/architecture.md). An account without one can't be.
  expect(await count("users.users u WHERE NOT EXISTS (SELECT FROM auth.credentials c WHERE c.user_id = u.id)")).toBe(0);
  const waiting = await Promise.all(
    ["users", "auth", "sessions", "preferences", "mail", "admin", "webhooks"].map((schema) =>
      count(`${schema}.outbox WHERE published_at IS NULL`),
    ),
  );
  expect(waiting).toEqual([0, 0, 0, 0, 0, 0, 0]);
});

test("the new stream has a snapshot of every account", async () => {
  const accounts = await restored.query<{ id: string }>("SELECT id FROM users.users");
  const connection = await connect(natsOptions(nats.url));
  try {
    const manager = await connection.jetstreamManager();
    await eventually("a message for each account", async () => {
      const { state } = await manager.streams.info("USERS", { subjects_filter: "users.v1.>" });
      const subjects = Object.keys(state.subjects ?? {});
      return accounts.every(({ id }) => subjects.some((subject) => subject.endsWith(`.${id}`)));
    });
  } finally {
    await connection.close();
  }
});
