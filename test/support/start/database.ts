import { randomBytes } from "node:crypto";
import { Client } from "pg";

export interface TestDatabase {
  /** As its owner; services derive their own roles from it. */
  readonly url: string;
  /** One statement as the owner, to look behind the scenes. */
  query<Row = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<Row[]>;
  drop(): Promise<void>;
}

/** A migrated database of its own, cloned from the template: some 50 ms. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = process.env.TEST_POSTGRES_URL;
  if (server === undefined)
    throw new Error("Tests with a database live in test/integration, test/security or test/mesh");
  const name = `test_${randomBytes(6).toString("hex")}`;
  await execute(server, `CREATE DATABASE ${name} TEMPLATE usermesh_template`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    query: (sql, values) => execute(url.href, sql, values),
    drop: async () => void (await execute(server, `DROP DATABASE ${name} WITH (FORCE)`)),
  };
}

/** Two files that clone at the same moment meet on the template: the second tries again. */
async function execute<Row>(url: string, sql: string, values: unknown[] = []): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await client.query(sql, values)).rows;
      } catch (error) {
        if ((error as { code?: string }).code !== "55006" || attempt === 100) throw error;
        await client.query("SELECT pg_sleep(0.05)");
      }
    }
  } finally {
    await client.end();
  }
}
