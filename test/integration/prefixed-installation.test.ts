import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import { readConfig } from "../../lib/config/config.ts";
import { migrate } from "../../scripts/migrate/migrate.ts";
import { eventually } from "../support/eventually.ts";
import { describeMainFlow, register, signIn } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

/** All services in a database whose schema `auth` is somebody else's, given by a URL with its user in the query. */
const name = `prefixed_${randomBytes(4).toString("hex")}`;
const person = { email: "grace@example.com", password: "Nanoseconds-And-Wire-1" };
let server: Client;
let database: Client;
let env: { DATABASE_URL: string; DB_SCHEMA_PREFIX: string };
let usermesh: Usermesh;

beforeAll(async () => {
  const url = new URL(process.env.TEST_POSTGRES_URL ?? "");
  server = await connected(url);
  await server.query(`CREATE DATABASE ${name}`);
  url.pathname = `/${name}`;
  database = await connected(url);
  await database.query("CREATE SCHEMA auth CREATE TABLE users (id int)");
  const query = new URLSearchParams({ user: url.username, password: decodeURIComponent(url.password) });
  env = { DATABASE_URL: `postgres://${url.host}/${name}?${query}`, DB_SCHEMA_PREFIX: "um_" };
  await migrate(readConfig(env), () => undefined);
  usermesh = await startUsermesh(env);
});
afterAll(async () => {
  await usermesh?.stop();
  await database.end();
  await server.query(`DROP DATABASE ${name} WITH (FORCE)`);
  const roles = ["users", "auth", "sessions", "preferences", "mail", "admin", "webhooks"].map(
    (one) => `usermesh_${name}_um_${one}`,
  );
  await server.query(`DROP ROLE ${roles.join(", ")}`);
  await server.end();
});

async function connected(url: URL): Promise<Client> {
  const client = new Client({ connectionString: url.href });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

const login = () => usermesh.api.post("auth/login", person);

/** As after a failover: new connections have the new state. */
async function endConnections(): Promise<void> {
  await server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND usename ~ $2", [
    name,
    `^usermesh_${name}_`,
  ]);
}

const isReady = async () => (await fetch(`${usermesh.url}/health/ready`)).ok;

describe("an installation with DB_SCHEMA_PREFIX", () => {
  describeMainFlow(() => usermesh);

  test("finds people and exports their data", async () => {
    const someone = await register(usermesh, person, { full_name: "Grace Hopper" });
    const { access } = await signIn(usermesh, someone);
    expect((await usermesh.api.get("users/me/export", access)).status).toBe(200);
    const admin = await signIn(usermesh, usermesh.admin);
    expect((await usermesh.api.get("users/search?q=hoper", admin.access)).body.data).toHaveLength(1);
    expect((await usermesh.api.get("admin/activity", admin.access)).status).toBe(200);
  });

  test("leaves the other schema alone, and every service is its own role", async () => {
    expect((await database.query("SELECT * FROM auth.users")).rows).toEqual([]);
    const { rows } = await database.query<{ who: string }>(
      "SELECT DISTINCT usename AS who FROM pg_stat_activity WHERE datname = $1 AND application_name ~ '^usermesh-(?!jobs)' ORDER BY 1",
      [name],
    );
    const services = ["admin", "auth", "mail", "preferences", "sessions", "users", "webhooks"];
    expect(rows.map(({ who }) => who)).toEqual(services.map((one) => `usermesh_${name}_um_${one}`));
  });
});

describe("a database that is away in a way of its own", () => {
  test("and only reads, as after a failover, is answered with 503 and makes the gateway not ready until it writes", async () => {
    await server.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    await endConnections();
    await eventually("not ready", async () => !(await isReady()));
    const answer = await login();
    expect([answer.status, answer.body.code, answer.headers.has("retry-after")]).toEqual([
      503,
      "service_unavailable",
      true,
    ]);
    await eventually("health says so", async () => (await fetch(`${usermesh.url}/health`)).status === 503);
    await server.query(`ALTER DATABASE ${name} RESET default_transaction_read_only`);
    await endConnections();
    await eventually("ready", isReady);
    await eventually("a sign-in", async () => (await login()).status === 200);
  });

  test.each(["um_auth", "um_users"])(
    "and refuses the password of %s is answered with 503 until it knows it",
    async (role) => {
      await server.query(`ALTER ROLE usermesh_${name}_${role} PASSWORD 'another'`);
      await endConnections();
      const answer = await login();
      expect([answer.status, answer.headers.has("retry-after")]).toEqual([503, true]);
      await migrate(readConfig(env), () => undefined);
      await eventually("a sign-in", async () => (await login()).status === 200);
    },
  );
});
