import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pino from "pino";
import { readConfig } from "../../lib/config/config.ts";
import { createPlatform } from "../../lib/runtime/create-platform.ts";
import { createDatabase, type Database } from "../../mixins/database/database.mixin.ts";
import { migrate } from "../../scripts/migrate/migrate.ts";
import { eventually } from "../support/eventually.ts";
import { type Pooler, startPooler } from "../support/fakes/pooler.ts";
import { createTestDatabase, type TestDatabase } from "../support/start/database.ts";
import { secretKey } from "../support/start/installation.ts";

/** Behind a pooler, as PgBouncer in transaction mode, a client may not rely on anything that belongs to a session. */
let database: TestDatabase;
let pooler: Pooler;
beforeAll(async () => {
  database = await createTestDatabase();
  pooler = await startPooler(database.url);
});
afterAll(async () => {
  await pooler.stop();
  await database.drop();
});

/** One connection of the service sessions. */
async function withDatabase<T>(url: string, work: (db: Database) => Promise<T>): Promise<T> {
  const config = readConfig({ DATABASE_URL: url, SECRET_KEY: secretKey });
  const platform = await createPlatform(config, { log: pino({ level: "silent" }), services: ["sessions"] });
  const db = createDatabase(platform, { schema: "sessions", poolSize: 1 });
  await db.connect();
  try {
    return await work(db);
  } finally {
    await db.close();
    await platform.close();
  }
}

async function preparedStatements(db: Database): Promise<string | undefined> {
  for (let round = 0; round < 2; round += 1) await db.query("SELECT count(*) FROM sessions.sessions");
  const [row] = await db.query<{ n: string }>("SELECT count(*) AS n FROM pg_prepared_statements");
  return row?.n;
}

describe("a connection pooler in front of PostgreSQL", () => {
  test("is sent no settings, and its connections keep no prepared statements", async () => {
    expect(await withDatabase(pooler.url, preparedStatements)).toBe("0");
    expect(await withDatabase(database.url, preparedStatements)).not.toBe("0");
  });

  test("leaves the limits of the role in force", async () => {
    const limits = await withDatabase(pooler.url, (db) =>
      db.query("SELECT current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock"),
    );
    expect(limits).toEqual([{ statement: "5s", lock: "2s" }]);
  });

  test("lets migrate run, which keeps no lock of a session", async () => {
    const config = readConfig({ DATABASE_URL: pooler.url, REDIS_URL: "redis://redis" });
    await migrate(config, () => undefined);
    await migrate(config, () => undefined);
    const held =
      "SELECT 1 FROM pg_locks JOIN pg_database AS d ON d.oid = database WHERE locktype = 'advisory' AND datname = current_database()";
    await eventually("no lock", async () => (await database.query(held)).length === 0);
  });

  test("without Redis is refused by name, because the queues in PostgreSQL need sessions", async () => {
    await expect(migrate(readConfig({ DATABASE_URL: pooler.url }), () => undefined)).rejects.toThrow(
      "REDIS_URL must be set",
    );
  });
});

describe("a connection is not used", () => {
  /** Resolves when the log contains the reason. */
  async function refusalOf(text: string): Promise<void> {
    const lines: string[] = [];
    const log = pino({ level: "warn" }, { write: (line: string) => void lines.push(line) });
    const config = readConfig({ DATABASE_URL: database.url, SECRET_KEY: secretKey });
    const platform = await createPlatform(config, { log, services: ["sessions"] });
    const db = createDatabase(platform, { schema: "sessions", poolSize: 1 });
    const connecting = db.connect().catch((error: Error) => error);
    await eventually("its refusal", () => lines.join().includes(text));
    await db.close();
    await connecting;
    await platform.close();
  }
  test("whose transactions would have another isolation level", async () => {
    const role = `${rolePrefixOf()}_sessions`;
    await database.query(`ALTER ROLE ${role} SET default_transaction_isolation = 'serializable'`);
    await refusalOf("default_transaction_isolation is 'serializable'");
    await database.query(`ALTER ROLE ${role} SET default_transaction_isolation = 'read committed'`);
  });

  test("whose role the server has changed into another one", async () => {
    await database.query(`GRANT ${rolePrefixOf()}_users TO ${rolePrefixOf()}_sessions`);
    await database.query(`ALTER ROLE ${rolePrefixOf()}_sessions SET role = '${rolePrefixOf()}_users'`);
    await refusalOf("instead of the role");
  });
});

function rolePrefixOf(): string {
  return readConfig({ DATABASE_URL: database.url }).database.rolePrefix;
}
