import { createHash } from "node:crypto";
import pg, { type Client } from "pg";
import { DataSource, type MigrationInterface, type QueryRunner } from "typeorm";
import { type Config, ConfigError } from "../../lib/config/config.ts";
import { schemas } from "../../lib/database/database-roles.ts";
import { type Qualify, schemaName } from "../../lib/database/schema-names.ts";
import { sslOption } from "../../lib/database/ssl-option.ts";
import { qualifyFor } from "./prepare.ts";
import { definitionsOf, type Migration, migrationsOf, type SqlFile } from "./sql-files.ts";

type Say = (line: string) => void;

export interface SchemaStatus {
  readonly schema: string;
  readonly applied: readonly string[];
  readonly pending: readonly string[];
}

/** Applies the pending migrations, each in its own transaction, then the changed definitions of functions and triggers. */
export async function migrateSchema(config: Config, client: Client, schema: string, say: Say): Promise<void> {
  const { pending } = await statusOf(client, config, schema);
  // Opening a DataSource takes a quarter of a second, which a start with nothing to migrate should not pay.
  if (pending.length > 0)
    await withSource(config, client, schema, (source) => source.runMigrations({ transaction: "each" }));
  const changed = await applyDefinitions(client, config, schema);
  for (const name of [...pending, ...changed]) say(`${schema}: ${name}`);
}

/** Takes back the newest migration of one schema. */
export async function migrateDown(config: Config, client: Client, schema: string | undefined, say: Say): Promise<void> {
  if (schema === undefined || !schemas.some((one) => one === schema))
    throw new ConfigError([`Name the schema whose newest migration is to be taken back: ${schemas.join(", ")}.`]);
  const { applied } = await statusOf(client, config, schema);
  if (applied.length === 0) return say(`${schema}: nothing to take back`);
  await withSource(config, client, schema, (source) => source.undoLastMigration({ transaction: "each" }));
  // The migration may have dropped functions or triggers: the next `migrate` applies all of them again.
  await client.query(`DELETE FROM ${definitions(config)} WHERE schema = $1`, [schema]);
  say(`${schema}: took back ${applied.at(-1)}`);
}

function definitions({ database }: Config): string {
  return `${schemaName(database, "usermesh")}.definitions`;
}

export async function statusOf(client: Client, { database }: Config, schema: string): Promise<SchemaStatus> {
  const table = `${schemaName(database, schema)}.migrations`;
  const { rows: tables } = await client.query<{ exists: boolean }>("SELECT to_regclass($1) IS NOT NULL AS exists", [
    table,
  ]);
  const rows = tables[0]?.exists
    ? (await client.query<{ name: string }>(`SELECT name FROM ${table} ORDER BY id`)).rows
    : [];
  const applied = rows.map((row) => row.name);
  const pending = (await migrationsOf(schema)).map(({ name }) => name).filter((name) => !applied.includes(name));
  return { schema, applied, pending };
}

/**
 * Runs the files of a schema that changed since they were last applied, in one transaction. Unchanged ones are skipped,
 * because replacing a trigger locks its table, which running nodes write to. Resolves to the names of the changed ones.
 */
async function applyDefinitions(client: Client, config: Config, schema: string): Promise<string[]> {
  const qualify = await qualifyFor(client, config.database);
  const { rows } = await client.query<{ file: string; checksum: string }>(
    `SELECT file, checksum FROM ${definitions(config)} WHERE schema = $1`,
    [schema],
  );
  const applied = new Map(rows.map(({ file, checksum }) => [file, checksum]));
  const changed = (await definitionsOf(schema)).filter((file) => applied.get(file.name) !== checksumOf(file));
  if (changed.length === 0) return [];
  await client.query("BEGIN; SET LOCAL lock_timeout = '5s'");
  for (const file of changed) {
    await client.query(qualify(file.sql));
    await client.query(
      `INSERT INTO ${definitions(config)} (schema, file, checksum) VALUES ($1, $2, $3)
       ON CONFLICT (schema, file) DO UPDATE SET checksum = excluded.checksum`,
      [schema, file.name, checksumOf(file)],
    );
  }
  await client.query("COMMIT");
  return changed.map(({ name }) => name);
}

function checksumOf({ sql }: SqlFile): string {
  return createHash("sha256").update(sql).digest("hex");
}

async function withSource(
  config: Config,
  client: Client,
  schema: string,
  work: (source: DataSource) => Promise<unknown>,
): Promise<void> {
  const qualify = await qualifyFor(client, config.database);
  const source = new DataSource({
    type: "postgres",
    // Passed explicitly: TypeORM would `require` it by a computed name, which a bundler cannot follow.
    driver: pg,
    url: config.database.url ?? "",
    ssl: sslOption(config),
    schema: schemaName(config.database, schema),
    migrationsTableName: "migrations",
    migrations: (await migrationsOf(schema)).map((one) => migrationClass(one, qualify)),
    poolSize: 2,
  });
  await source.initialize();
  try {
    await work(source);
  } finally {
    await source.destroy();
  }
}

/** TypeORM takes classes. */
function migrationClass({ name, up, down }: Migration, qualify: Qualify): new () => MigrationInterface {
  return class implements MigrationInterface {
    readonly name = name;
    async up(runner: QueryRunner): Promise<void> {
      await runner.query(qualify(up));
    }
    async down(runner: QueryRunner): Promise<void> {
      await runner.query(qualify(down));
    }
  };
}
