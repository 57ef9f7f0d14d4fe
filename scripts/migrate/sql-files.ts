import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** One step of a schema. The name ends in the 13 digits that order it, as TypeORM expects. */
export interface Migration {
  readonly name: string;
  readonly up: string;
  readonly down: string;
}

export interface SqlFile {
  readonly name: string;
  readonly sql: string;
}

/** The migrations of a schema in the order of their time stamps: those that every service has, and its own. */
export async function migrationsOf(schema: string): Promise<Migration[]> {
  const files = await sqlFiles("migrations", schema);
  return files.sort((one, other) => (basename(one.name) < basename(other.name) ? -1 : 1)).map(migrationFrom);
}

/** The definitions of a schema's functions and triggers: those that every service has, then its own, each by name. */
export function definitionsOf(schema: string): Promise<SqlFile[]> {
  return sqlFiles("sql", schema);
}

async function sqlFiles(kind: "migrations" | "sql", schema: string): Promise<SqlFile[]> {
  const folders = [`mixins/service-tables/${kind}`, `services/${schema}/${kind}`];
  const names = await Promise.all(
    folders.map(async (folder) => (await readdir(join(root, folder))).sort().map((file) => `${folder}/${file}`)),
  );
  return Promise.all(
    names.flat().map(async (name) => {
      const text = await readFile(join(root, name), "utf8");
      return { name, sql: text.replaceAll(":schema", schema) };
    }),
  );
}

function migrationFrom({ name, sql }: SqlFile): Migration {
  const [, stamp, label] = /(\d{13})-([a-z0-9-]+)\.sql$/.exec(name) ?? [];
  const [, up, down] = sql.split(/^-- migrate:(?:up|down)$/m);
  if (label === undefined || up === undefined || down === undefined)
    throw new Error(`${name} must be named <13 digits>-<name>.sql and contain "-- migrate:up" and "-- migrate:down"`);
  return { name: `${label}-${stamp}`, up, down };
}
