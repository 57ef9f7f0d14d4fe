import { join } from "node:path";
import { Client } from "pg";
import pino from "pino";
import { readConfig } from "../../../lib/config/config.ts";
import { startPostgres } from "../../../scripts/local-servers/postgres.ts";
import { migrate } from "../../../scripts/migrate/migrate.ts";
import { startTestRun } from "../jest/test-run.ts";

declare global {
  var usermeshTestPostgres: { stop(): Promise<void> } | undefined;
}

interface Options {
  /** Of postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Keeps the data in memory, if there is enough of it. */
  readonly inMemory?: boolean;
}

/** Starts a private PostgreSQL, and migrates the database that every test file clones. */
export async function startTestPostgres({ settings = {}, inMemory = false }: Options = {}): Promise<void> {
  if (globalThis.usermeshTestPostgres) return;
  const run = await startTestRun();
  const log = pino({ level: "warn" });
  const dataDir = join(inMemory ? run.databaseDir : run.dir, "postgres");
  // Each test file makes a role for each service, and opens many connections.
  const many = { max_connections: "400", scram_iterations: "1" };
  const postgres = await startPostgres({ dataDir, log, settings: { ...many, ...settings } });
  globalThis.usermeshTestPostgres = { stop: () => postgres.stop().finally(run.end) };
  const template = new URL(postgres.url);
  template.pathname = "/usermesh_template";
  await execute(postgres.url, "CREATE DATABASE usermesh_template");
  await migrate(readConfig({ DATABASE_URL: template.href }), () => undefined);
  process.env.TEST_POSTGRES_URL = postgres.url;
}

export async function stopTestPostgres(): Promise<void> {
  const running = globalThis.usermeshTestPostgres;
  globalThis.usermeshTestPostgres = undefined;
  await running?.stop();
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}
