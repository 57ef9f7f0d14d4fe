import { Client } from "pg";

/** The rows of all tables at one moment, as `pg_dump --data-only` writes them. The PostgreSQL of the tests has no pg_dump. */
export interface DatabaseBackup {
  /** Replaces the rows of a migrated database by those of the backup. */
  restore(url: string): Promise<void>;
}

interface Table {
  readonly name: string;
  readonly rows: string;
}

const TABLES = `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
  WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'usermesh') AND tablename <> 'migrations' ORDER BY 1`;
/** The values that sequences continue with. */
const SEQUENCES = `SELECT format('%I.%I', schemaname, sequencename) AS name, last_value::text AS value FROM pg_sequences
  WHERE last_value IS NOT NULL`;

export async function backUp(url: string): Promise<DatabaseBackup> {
  const tables: Table[] = [];
  const sequences = await withClient(url, async (client) => {
    // One snapshot for all tables, while others go on writing.
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    for (const { name } of (await client.query<{ name: string }>(TABLES)).rows) {
      const sql = `SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]')::text AS rows FROM ${name} AS t`;
      tables.push({ name, rows: (await client.query<{ rows: string }>(sql)).rows[0]?.rows ?? "[]" });
    }
    return (await client.query<{ name: string; value: string }>(SEQUENCES)).rows;
  });
  return {
    restore: (target) =>
      withClient(target, async (client) => {
        await client.query("BEGIN");
        // Triggers and foreign keys are disabled, as by pg_restore --disable-triggers.
        await client.query("SET LOCAL session_replication_role = replica");
        for (const { name } of tables) await client.query(`DELETE FROM ${name}`);
        for (const { name, rows } of tables) await insert(client, name, rows);
        for (const { name, value } of sequences) await client.query("SELECT setval($1::regclass, $2)", [name, value]);
        await client.query("COMMIT");
      }),
  };
}

async function insert(client: Client, table: string, rows: string): Promise<void> {
  const sql = `SELECT string_agg(quote_ident(attname), ', ') AS columns FROM pg_attribute
    WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''`;
  const { columns } = (await client.query<{ columns: string }>(sql, [table])).rows[0] ?? { columns: "" };
  await client.query(
    `INSERT INTO ${table} (${columns}) OVERRIDING SYSTEM VALUE
     SELECT ${columns} FROM jsonb_populate_recordset(NULL::${table}, $1::jsonb)`,
    [rows],
  );
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return work(client).finally(() => client.end());
}
