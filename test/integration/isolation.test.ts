import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import { readConfig } from "../../lib/config/config.ts";
import { roleName as nameOf, schemas } from "../../lib/database/database-roles.ts";
import { createTestDatabase, serviceUrl, type TestDatabase } from "../support/start/database.ts";

const REFUSED = "42501";

describe("the role of a service in PostgreSQL", () => {
  let database: TestDatabase;
  let tables: ReadonlyArray<{ readonly schema: string; readonly name: string }>;
  beforeAll(async () => {
    database = await createTestDatabase();
    tables = await database.query(
      `SELECT schemaname AS schema, tablename AS name FROM pg_tables
       WHERE schemaname NOT LIKE 'pg\\_%' AND schemaname <> 'information_schema' ORDER BY 1, 2`,
    );
  });
  afterAll(() => database?.drop());

  const roleName = (schema: string) => nameOf(readConfig({ DATABASE_URL: database.url }).database, schema);
  const as = async <T>(schema: string, work: (client: Client) => Promise<T>): Promise<T> => {
    const client = new Client({ connectionString: serviceUrl(database, schema) });
    await client.connect();
    return work(client).finally(() => client.end());
  };
  const codesOf = async (client: Client, statements: readonly string[]) => {
    const codes: Array<readonly [string, string]> = [];
    for (const sql of statements) {
      const code = await client.query(sql).then(
        () => "allowed",
        (error: { code: string }) => error.code,
      );
      codes.push([sql, code]);
    }
    return codes.filter(([, code]) => code !== REFUSED);
  };

  test.each(schemas)("of %s reads and writes its own tables", async (schema) => {
    const own = tables.filter((table) => table.schema === schema && table.name !== "migrations");
    expect(own.length).toBeGreaterThan(0);
    await as(schema, async (client) => {
      for (const { name } of own) await client.query(`SELECT count(*) FROM ${schema}.${name}`);
      await client.query(`DELETE FROM ${schema}.inbox`);
    });
  });

  test.each(schemas)("of %s can neither read nor write any other's", async (schema) => {
    const others = tables.filter((table) => table.schema !== schema).map((table) => `${table.schema}.${table.name}`);
    expect(others.length).toBeGreaterThan(10);
    const statements = others.flatMap((table) => [
      `SELECT * FROM ${table} LIMIT 1`,
      `DELETE FROM ${table}`,
      `TRUNCATE ${table}`,
    ]);
    expect(await as(schema, (client) => codesOf(client, statements))).toEqual([]);
  });

  test.each(schemas)("of %s makes nothing, becomes nobody, and calls no other's functions", async (schema) => {
    const everywhere = [...schemas, "ext", "public", "jobs", "usermesh"];
    const statements = [
      ...everywhere.map((one) => `CREATE TABLE ${one}.loot (id int)`),
      "CREATE SCHEMA loot",
      "CREATE ROLE loot",
      "CREATE EXTENSION dblink SCHEMA ext",
      ...schemas.filter((one) => one !== schema).map((one) => `SET ROLE ${roleName(one)}`),
      `SET ROLE ${new URL(database.url).username}`,
      ...schemas
        .filter((one) => one !== schema)
        .flatMap((one) => [
          `SELECT ${one}.append_event(gen_random_uuid(), gen_random_uuid(), '{}')`,
          `ALTER TABLE ${one}.migrations ADD COLUMN loot int`,
        ]),
      "COPY (SELECT 1) TO PROGRAM 'true'",
      "SELECT pg_read_file('pg_hba.conf')",
    ];
    expect(await as(schema, (client) => codesOf(client, statements))).toEqual([]);
  });

  test("has limits of its own, so that a paused node holds up nobody", async () => {
    const limits = await as("users", async (client) => {
      const { rows } = await client.query(
        "SELECT name, setting FROM pg_settings WHERE name IN ('idle_in_transaction_session_timeout', 'lock_timeout', 'statement_timeout') ORDER BY name",
      );
      return rows;
    });
    expect(limits).toEqual([
      { name: "idle_in_transaction_session_timeout", setting: "1000" },
      { name: "lock_timeout", setting: "2000" },
      { name: "statement_timeout", setting: "5000" },
    ]);
  });
});
