import { pathToFileURL } from "node:url";
import { Client } from "pg";
import { type Config, ConfigError, readConfig } from "../lib/config/config.ts";
import { schemas, sslOption } from "../lib/database/database-roles.ts";
import { migrateQueues } from "../lib/queues/queues-postgres.ts";
import { writeNewMigration } from "./migrate/new.ts";
import { grantOwnTables, prepareDatabase } from "./migrate/prepare.ts";
import { migrateDown, migrateSchema, type SchemaStatus, statusOf } from "./migrate/schemas.ts";

type Say = (line: string) => void;

/** Serializes migrations of a database, whichever machines run them. */
const LOCK = "SELECT pg_advisory_lock(hashtextextended('usermesh-migrate', 0))";

/**
 * Creates roles, schemas, extensions, tables, functions and the queue's schema, as the owner of the database. May be
 * repeated, and run from several machines at once.
 */
export async function migrate(config: Config, say: Say): Promise<void> {
  await asOwner(config, async (client, url) => {
    await client.query(LOCK);
    await prepareDatabase(client, url, say);
    for (const schema of schemas) await migrateSchema(config, client, schema, say);
    await migrateQueues(url, sslOption(config));
    await grantOwnTables(client);
  });
}

export async function migrationStatus(config: Config): Promise<SchemaStatus[]> {
  return asOwner(config, async (client) => {
    const found: SchemaStatus[] = [];
    for (const schema of schemas) found.push(await statusOf(client, schema));
    return found;
  });
}

async function asOwner<T>(config: Config, work: (client: Client, url: string) => Promise<T>): Promise<T> {
  const url = config.database.url;
  if (url === undefined)
    throw new ConfigError([
      "DATABASE_URL must name the database to migrate. `npm start` migrates the embedded one by itself.",
    ]);
  const client = new Client({ connectionString: url, ssl: sslOption(config), connectionTimeoutMillis: 5_000 });
  // A lost connection fails the statement; without a listener it would end the process as well.
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await work(client, url);
  } finally {
    await client.end();
  }
}

async function main([command = "up", ...rest]: string[]): Promise<void> {
  const say: Say = (line) => process.stdout.write(`${line}\n`);
  if (command === "new") return writeNewMigration(rest, say);
  const config = readConfig(process.env);
  if (command === "up") return migrate(config, say);
  if (command === "status") return printStatus(await migrationStatus(config), say);
  if (command === "down")
    return asOwner(config, (client) => client.query(LOCK).then(() => migrateDown(config, client, rest[0], say)));
  throw new ConfigError([
    `Unknown command ${JSON.stringify(command)}: use migrate, migrate:status, migrate:down <schema> or migrate:new <schema> <name>.`,
  ]);
}

function printStatus(statuses: readonly SchemaStatus[], say: Say): void {
  for (const { schema, applied, pending } of statuses) {
    say(
      `${schema.padEnd(12)} ${String(applied.length).padStart(3)} applied, ${pending.length === 0 ? "none pending" : `pending: ${pending.join(", ")}`}`,
    );
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (process.env.DATABASE_URL === undefined) loadEnvFile();
  void main(process.argv.slice(2)).catch((error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
}

function loadEnvFile(): void {
  try {
    process.loadEnvFile(".env");
  } catch {
    // Without a .env file the environment's own variables apply.
  }
}
