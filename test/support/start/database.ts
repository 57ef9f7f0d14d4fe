import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, escapeLiteral, Pool } from "pg";
import { readConfig } from "../../../lib/config/config.ts";
import { passwordOfRole, roleName, roleUrl, schemas } from "../../../lib/database/database-roles.ts";
import { settingsOfRole } from "../../../scripts/migrate/roles.ts";

export interface TestDatabase {
  /** The owner's; services derive their own roles from it. */
  readonly url: string;
  /** Runs one statement as the owner. */
  query<Row = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<Row[]>;
  drop(): Promise<void>;
}

const TEMPLATE = "usermesh_template";

/** A copy of the migrated database, or an empty one. */
export async function createTestDatabase({ isEmpty = false } = {}): Promise<TestDatabase> {
  const server = process.env.TEST_POSTGRES_URL;
  if (server === undefined)
    throw new Error("Tests with a database belong in test/integration, test/security or test/mesh");
  const name = `test_${randomBytes(6).toString("hex")}`;
  const template = isEmpty ? "template0" : TEMPLATE;
  // The other strategy writes all pages to the log as well, which takes twice the CPU time.
  await execute(server, `CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY FILE_COPY`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  if (!isEmpty) await createRoles(url.href);
  const database = openTestDatabase(url.href);
  const drop = async () => {
    await database.drop();
    await execute(server, `DROP DATABASE ${name} WITH (FORCE)`);
    const roles = await execute<{ name: string }>(
      server,
      "SELECT quote_ident(rolname) AS name FROM pg_roles WHERE starts_with(rolname, $1)",
      [`${readConfig({ DATABASE_URL: url.href }).database.rolePrefix}_`],
    );
    await execute(server, `DROP ROLE ${roles.map((role) => role.name).join(", ")}`);
  };
  return { ...database, drop };
}

/**
 * The clone's tables grant their rights to the template's roles, so its own roles are members of those. Roles that `migrate`
 * makes have the rights themselves, but to grant them again on each table would take longer than to clone the database.
 */
async function createRoles(url: string): Promise<void> {
  const { database } = readConfig({ DATABASE_URL: url });
  const template = readConfig({ DATABASE_URL: url.replace(/[^/]+$/, TEMPLATE) }).database;
  const statements = schemas.map((schema) => {
    const role = roleName(database, schema);
    const password = escapeLiteral(passwordOfRole(database, url, schema));
    return `CREATE ROLE ${role} LOGIN PASSWORD ${password} IN ROLE ${roleName(template, schema)};
      ${settingsOfRole(role, `Usermesh, database ${url.split("/").at(-1)}`)}`;
  });
  const client = new Client({ connectionString: url });
  await client.connect();
  await client
    .query(`${statements.join("\n")} UPDATE usermesh.installation SET role_prefix = '${database.rolePrefix}'`)
    .finally(() => client.end());
}

/** How the service that owns `schema` signs in. */
export function serviceUrl({ url }: Pick<TestDatabase, "url">, schema: string): string {
  return roleUrl(url, readConfig({ DATABASE_URL: url }).database, schema);
}

/** A database that another part of the test made and drops. */
export function openTestDatabase(url: string): TestDatabase {
  const own = openPool(url);
  return { url, query: async (sql, values = []) => (await own.query(sql, values)).rows, drop: () => own.end() };
}

/** A connection costs some 30 ms, and some tests count the rows of every table. */
function openPool(url: string): Pool {
  const opened = new Pool({ connectionString: url, max: 2, allowExitOnIdle: true });
  // An idle connection may be ended by the test; the pool opens another one.
  opened.on("error", () => undefined);
  return opened;
}

let pool: Pool | undefined;

/**
 * Over connections that all test files of a process share. Only one client at a time may clone the template: others are
 * refused with 55006 and try again.
 */
async function execute<Row>(url: string, sql: string, values: unknown[] = []): Promise<Row[]> {
  pool ??= openPool(url);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return (await pool.query(sql, values)).rows;
    } catch (error) {
      if ((error as { code?: string }).code !== "55006" || attempt === 100) throw error;
      await sleep(50);
    }
  }
}
