import { randomBytes } from "node:crypto";
import { Client } from "pg";

export interface TestDatabase {
  /** The owner's; services derive their own roles from it. */
  readonly url: string;
  /** Runs one statement as the owner. */
  query<Row = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<Row[]>;
  drop(): Promise<void>;
}

/** A new migrated database, cloned from the template in some 50 ms. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = process.env.TEST_POSTGRES_URL;
  if (server === undefined)
    throw new Error("Tests with a database belong in test/integration, test/security or test/mesh");
  const name = `test_${randomBytes(6).toString("hex")}`;
  await execute(server, `CREATE DATABASE ${name} TEMPLATE usermesh_template`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const drop = async () => void (await execute(server, `DROP DATABASE ${name} WITH (FORCE)`));
  return { ...openTestDatabase(url.href), drop };
}

/** A database that another part of the test made and drops. */
export function openTestDatabase(url: string): TestDatabase {
  return { url, query: (sql, values) => execute(url, sql, values), drop: async () => undefined };
}

/** Only one client at a time may clone the template: others are refused with 55006 and try again. */
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
