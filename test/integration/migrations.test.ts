import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import { readConfig } from "../../lib/config/config.ts";
import { schemas } from "../../lib/database/database-roles.ts";
import { migrate, migrationStatus } from "../../scripts/migrate/migrate.ts";
import { migrateDown } from "../../scripts/migrate/schemas.ts";
import { createTestDatabase, type TestDatabase } from "../support/start/database.ts";

const silent = () => undefined;

describe("migrations", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    // Not a copy of the migrated database, whose roles have other rights.
    database = await createTestDatabase({ isEmpty: true });
    await migrate(config(), silent);
  });
  afterAll(() => database?.drop());

  const config = () => readConfig({ DATABASE_URL: database.url });

  async function takeBackAll(): Promise<string[]> {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const said: string[] = [];
    try {
      for (const { schema, applied } of await migrationStatus(config()))
        for (const _ of applied) await migrateDown(config(), client, schema, (line) => said.push(line));
      return said;
    } finally {
      await client.end();
    }
  }

  /** Everything that `migrate` creates: tables, columns, indexes, constraints, functions, triggers and rights. */
  async function shape(): Promise<string[]> {
    const rows = await database.query<{ line: string }>(
      `WITH of AS (SELECT oid, nspname FROM pg_namespace WHERE nspname = ANY($1))
       SELECT format('%s.%s %s %s %s', n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull) AS line
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN of n ON n.oid = c.relnamespace
         WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind = 'r'
       UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = ANY($1)
       UNION ALL SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN of n ON n.oid = k.connamespace
       UNION ALL SELECT pg_get_functiondef(p.oid) FROM pg_proc p JOIN of n ON n.oid = p.pronamespace
       UNION ALL SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
         JOIN of n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal
       UNION ALL SELECT format('%s.%s %s', n.nspname, c.relname, c.relacl) FROM pg_class c JOIN of n ON n.oid = c.relnamespace
         WHERE c.relkind = 'r'
       ORDER BY 1`,
      [[...schemas]],
    );
    return rows.map((row) => row.line);
  }

  test("applied a second time change nothing", async () => {
    const before = await shape();
    const said: string[] = [];
    await migrate(config(), (line) => said.push(line));
    expect(said).toEqual([]);
    expect((await migrationStatus(config())).flatMap(({ pending }) => pending)).toEqual([]);
    expect(await shape()).toEqual(before);
  });

  test("compare the addresses of existing accounts with ASCII domains, and report those that are the same", async () => {
    const insert = (email: string, key: string) =>
      database.query<{ id: string }>(
        `INSERT INTO users.users (id, tenant_id, email, email_key, search_text)
         SELECT gen_random_uuid(), id, $1, $2, $1 FROM users.tenants LIMIT 1 RETURNING id`,
        [email, key],
      );
    await database.query("DELETE FROM usermesh.definitions WHERE file = 'email keys with ASCII domains'");
    await insert("Ada@Bücher.example", "ada@bücher.example");
    const [old] = await insert("eve@bücher.example", "eve@bücher.example");
    const [other] = await insert("eve@xn--bcher-kva.example", "eve@xn--bcher-kva.example");
    const said: string[] = [];
    const say = (line: string) => void said.push(line);
    await migrate(config(), say);
    expect(said.toSorted()).toEqual([
      "users: 1 addresses are compared with their domain in ASCII now",
      expect.stringContaining(`the accounts ${old?.id} and ${other?.id} of tenant`),
    ]);
    const keys = await database.query<{ email_key: string }>("SELECT email_key FROM users.users ORDER BY 1");
    expect(keys.map((row) => row.email_key)).toEqual([
      "ada@xn--bcher-kva.example",
      "eve@bücher.example",
      "eve@xn--bcher-kva.example",
    ]);
    said.length = 0;
    await migrate(config(), say);
    expect(said).toEqual([expect.stringContaining("the same address in two spellings")]);
    await database.query("DELETE FROM users.users WHERE id = $1", [other?.id]);
    await migrate(config(), silent);
    said.length = 0;
    await migrate(config(), say);
    expect(said).toEqual([]);
    await database.query("DELETE FROM users.users");
  });

  test("taken back one by one leave nothing behind, and can be applied again", async () => {
    const before = await shape();
    const all = (await migrationStatus(config())).flatMap((one) => one.applied);
    expect(all.length).toBeGreaterThanOrEqual(2 * schemas.length);
    const said = await takeBackAll();
    const applied = said.filter((line) => line.includes("took back"));
    expect(applied).toHaveLength(all.length);
    const left = await shape();
    expect(left.filter((line) => !/\bmigrations\b|PRIMARY KEY \(id\)|NOT NULL/.test(line))).toEqual([]);
    const pending = (await migrationStatus(config())).flatMap((one) => one.pending);
    expect(pending).toHaveLength(applied.length);
    await migrate(config(), silent);
    expect(await shape()).toEqual(before);
  });

  test("definitions of functions and triggers that differ from their files are applied again, and only those", async () => {
    const before = await shape();
    await database.query("DROP FUNCTION sessions.sweep_day");
    await database.query("DROP TRIGGER skip_erased ON auth.credentials");
    await database.query(
      `UPDATE usermesh.definitions SET checksum = 'older'
       WHERE file IN ('services/sessions/sql/sessions.sql', 'services/auth/sql/erasure-guards.sql')`,
    );
    const said: string[] = [];
    await migrate(config(), (line) => said.push(line));
    expect(said).toEqual([
      "auth: services/auth/sql/erasure-guards.sql",
      "sessions: services/sessions/sql/sessions.sql",
    ]);
    expect(await shape()).toEqual(before);
  });

  test("run from ten machines at once are applied once", async () => {
    await takeBackAll();
    await Promise.all(Array.from({ length: 10 }, () => migrate(config(), silent)));
    expect((await migrationStatus(config())).flatMap(({ pending }) => pending)).toEqual([]);
  });
});
