import type { TestDatabase } from "../start/database.ts";

/** Every row of every table of the database as text, BullMQ's included: what a stolen copy would show. */
export async function dumpDatabase(database: TestDatabase): Promise<string> {
  const tables = await database.query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
     WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`,
  );
  const dumps = await Promise.all(
    tables.map(({ name }) => database.query<{ row: string }>(`SELECT t::text AS row FROM ${name} AS t`)),
  );
  return dumps
    .flat()
    .map(({ row }) => row)
    .join("\n");
}
