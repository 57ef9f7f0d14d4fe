import type { Client } from "pg";
import { DataSource } from "typeorm";
import { type Config, ConfigError } from "../../lib/config/config.ts";
import { schemas, sslOf } from "../../lib/database/database-roles.ts";
import { type Migration, migrationClass } from "../../mixins/migration.ts";
import { migratedSchemas } from "./services.ts";

type Say = (line: string) => void;

export interface SchemaStatus {
  readonly schema: string;
  readonly applied: readonly string[];
  readonly pending: readonly string[];
}

/** Applies what is pending, each step in a transaction of its own. Quick where nothing is: a start must not pay for it. */
export async function migrateSchema(
  config: Config,
  client: Client,
  schema: string,
  migrations: readonly Migration[],
  say: Say,
): Promise<void> {
  const { pending } = await pendingOf(client, schema, migrations);
  if (pending.length === 0) return;
  await withSource(config, schema, migrations, (source) => source.runMigrations({ transaction: "each" }));
  for (const name of pending) say(`${schema}: ${name}`);
}

/** Takes back the newest step of one schema. */
export async function migrateDown(config: Config, client: Client, schema: string | undefined, say: Say): Promise<void> {
  const found = (await migratedSchemas()).find((one) => one.schema === schema);
  if (!found)
    throw new ConfigError([`Name the schema whose newest migration is to be taken back: ${schemas.join(", ")}.`]);
  const { applied } = await pendingOf(client, found.schema, found.migrations);
  if (applied.length === 0) return say(`${found.schema}: nothing to take back`);
  await withSource(config, found.schema, found.migrations, (source) =>
    source.undoLastMigration({ transaction: "each" }),
  );
  say(`${found.schema}: took back ${applied.at(-1)}`);
}

export async function pendingOf(
  client: Client,
  schema: string,
  migrations: readonly Migration[],
): Promise<SchemaStatus> {
  const { rows: tables } = await client.query<{ there: boolean }>("SELECT to_regclass($1) IS NOT NULL AS there", [
    `${schema}.migrations`,
  ]);
  const rows = tables[0]?.there
    ? (await client.query<{ name: string }>(`SELECT name FROM ${schema}.migrations ORDER BY id`)).rows
    : [];
  const applied = rows.map((row) => row.name);
  return { schema, applied, pending: migrations.map((one) => one.name).filter((name) => !applied.includes(name)) };
}

async function withSource<T>(
  config: Config,
  schema: string,
  migrations: readonly Migration[],
  work: (source: DataSource) => Promise<T>,
): Promise<T> {
  const source = new DataSource({
    type: "postgres",
    url: config.database.url ?? "",
    ssl: sslOf(config),
    schema,
    migrationsTableName: "migrations",
    migrations: migrations.map(migrationClass),
    poolSize: 2,
  });
  await source.initialize();
  try {
    return await work(source);
  } finally {
    await source.destroy();
  }
}
