import { join } from "node:path";
import { Client } from "pg";
import pino from "pino";
import { readConfig } from "../../../lib/config/config.ts";
import { startPostgres } from "../../../scripts/local-servers/postgres.ts";
import { migrate } from "../../../scripts/migrate/migrate.ts";
import { startTestRun } from "./test-run.ts";

declare global {
  var usermeshTestPostgres: { stop(): Promise<void> } | undefined;
}

/** Starts a private PostgreSQL and migrates the database that every test file clones. */
export default async function setup(): Promise<void> {
  if (globalThis.usermeshTestPostgres) return;
  const run = await startTestRun();
  const log = pino({ level: "warn" });
  const postgres = await startPostgres({ dataDir: join(run.dir, "postgres"), log, maxConnections: 400 });
  globalThis.usermeshTestPostgres = { stop: () => postgres.stop().finally(run.end) };
  const template = new URL(postgres.url);
  template.pathname = "/usermesh_template";
  // What is tested here outlives killed processes, not a power cut: that is tested for scripts/local-servers, over a server of its own.
  await execute(postgres.url, "ALTER SYSTEM SET fsync = off");
  await execute(postgres.url, "ALTER SYSTEM SET full_page_writes = off");
  // Each test file makes a role for each service, and opens many connections.
  await execute(postgres.url, "ALTER SYSTEM SET scram_iterations = 1");
  await execute(postgres.url, "SELECT pg_reload_conf()");
  await execute(postgres.url, "CREATE DATABASE usermesh_template");
  await migrate(readConfig({ DATABASE_URL: template.href }), () => undefined);
  process.env.TEST_POSTGRES_URL = postgres.url;
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}
