import { type Client, escapeIdentifier, escapeLiteral } from "pg";
import { jobsSchema, roleName, rolePassword, schemas } from "../../lib/database/database-roles.ts";

type Say = (line: string) => void;

/** Creates the roles, schemas and extensions, and the tables that `migrate` keeps its own state in. */
export async function prepareDatabase(client: Client, ownerUrl: string, say: Say): Promise<void> {
  await client.query("CREATE SCHEMA IF NOT EXISTS usermesh");
  await client.query(
    "CREATE TABLE IF NOT EXISTS usermesh.installation (single boolean PRIMARY KEY DEFAULT true CHECK (single), shared_role boolean NOT NULL)",
  );
  await client.query(
    "CREATE TABLE IF NOT EXISTS usermesh.definitions (schema text, file text, checksum text NOT NULL, PRIMARY KEY (schema, file))",
  );
  const own = await mayCreateRoles(client);
  if (!own)
    say(
      "The owner of the database may not create roles, so all services share its role. Grant it CREATEROLE to isolate them.",
    );
  await client.query(
    "INSERT INTO usermesh.installation (shared_role) VALUES ($1) ON CONFLICT (single) DO UPDATE SET shared_role = excluded.shared_role",
    [!own],
  );
  await client.query("CREATE SCHEMA IF NOT EXISTS ext");
  await client.query("CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA ext");
  for (const schema of [...schemas, jobsSchema]) await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
  if (own) for (const schema of schemas) await createRole(client, ownerUrl, schema);
}

/** Tables that a service's role may only read and insert into. Rows change through functions of the owner alone. */
const appendOnly: Readonly<Record<string, string>> = { admin: "admin.activity" };

/** A role reads and writes its own schema, uses `ext`, and has no access to anything else. */
export async function grantOwnTables(client: Client): Promise<void> {
  const { rows } = await client.query<{ shared_role: boolean }>("SELECT shared_role FROM usermesh.installation");
  if (rows[0]?.shared_role) return;
  for (const schema of schemas) {
    const role = escapeIdentifier(roleName(schema));
    await client.query(`GRANT USAGE ON SCHEMA ${schema}, ext TO ${role}`);
    const added = appendOnly[schema];
    // One message is one transaction: the role never holds the rights on the append-only table.
    await client.query(
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${role};
       ${added ? `REVOKE UPDATE, DELETE, TRUNCATE ON ${added} FROM ${role}` : ""}`,
    );
    await client.query(`GRANT USAGE ON ALL SEQUENCES IN SCHEMA ${schema} TO ${role}`);
    await client.query(`GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${schema} TO ${role}`);
  }
}

async function mayCreateRoles(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ may: boolean }>(
    "SELECT rolsuper OR rolcreaterole AS may FROM pg_roles WHERE rolname = current_user",
  );
  return rows[0]?.may === true;
}

/** The timeouts belong to the role, so that a paused node blocks no other one, whatever its own settings are. */
async function createRole(client: Client, ownerUrl: string, schema: string): Promise<void> {
  const role = roleName(schema);
  const name = escapeIdentifier(role);
  const { rowCount } = await client.query("SELECT 1 FROM pg_roles WHERE rolname = $1", [role]);
  if (rowCount === 0) await client.query(`CREATE ROLE ${name} LOGIN`).catch(ignoreDuplicate);
  await client.query(`ALTER ROLE ${name} WITH LOGIN PASSWORD ${escapeLiteral(rolePassword(ownerUrl, role))}`);
  await client.query(`ALTER ROLE ${name} SET idle_in_transaction_session_timeout = '1s'`);
  await client.query(`ALTER ROLE ${name} SET lock_timeout = '2s'`);
  await client.query(`ALTER ROLE ${name} SET statement_timeout = '5s'`);
}

/** Roles belong to the whole server: the migration of another database may create the same one at this moment. */
function ignoreDuplicate(error: { code?: string }): void {
  if (error.code !== "42710" && error.code !== "23505") throw error;
}
