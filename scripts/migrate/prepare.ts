import { type Client, escapeIdentifier } from "pg";
import { type Config, ConfigError } from "../../lib/config/config.ts";
import { roleName, schemas } from "../../lib/database/database-roles.ts";
import {
  allSchemas,
  createQualify,
  extensionSchema,
  FIND_EXTENSION_SCHEMA,
  schemaName,
} from "../../lib/database/schema-names.ts";

type Names = Config["database"];

/** Creates the schemas and the extension, and the tables that `migrate` keeps its own state in. */
export async function prepareSchemas(client: Client, names: Names): Promise<void> {
  await assertSchemasFree(client, names);
  const state = schemaName(names, "usermesh");
  for (const schema of allSchemas) await client.query(`CREATE SCHEMA IF NOT EXISTS ${schemaName(names, schema)}`);
  await client.query(
    `CREATE TABLE IF NOT EXISTS ${state}.installation (single boolean PRIMARY KEY DEFAULT true CHECK (single), shared_role boolean NOT NULL)`,
  );
  await client.query(`ALTER TABLE ${state}.installation ADD COLUMN IF NOT EXISTS role_prefix text`);
  await client.query(
    `CREATE TABLE IF NOT EXISTS ${state}.definitions (schema text, file text, checksum text NOT NULL, PRIMARY KEY (schema, file))`,
  );
  if ((await findExtensionSchema(client)) === undefined) await createExtension(client, names);
}

/**
 * A schema with our name that somebody else filled is refused before anything is created. Ours contain the table that
 * records their migrations, and the database has the one that records the installation.
 */
async function assertSchemasFree(client: Client, names: Names): Promise<void> {
  const { rows } = await client.query<{ name: string; tables: string[]; objects: number }>(
    `SELECT n.nspname::text AS name,
       ARRAY(SELECT relname::text FROM pg_class AS c WHERE c.relnamespace = n.oid) AS tables,
       (SELECT count(*)::int FROM pg_proc AS p WHERE p.pronamespace = n.oid) AS objects
     FROM pg_namespace AS n WHERE n.nspname = ANY($1)`,
    [allSchemas.map((schema) => schemaName(names, schema))],
  );
  const tablesOf = (schema: string) => rows.find(({ name }) => name === schemaName(names, schema))?.tables ?? [];
  const isInstalled = tablesOf("usermesh").includes("installation");
  const isOurs = (tables: readonly string[]) =>
    isInstalled && ["installation", "migrations", "migration"].some((table) => tables.includes(table));
  const taken = rows.filter(({ tables, objects }) => tables.length + objects > 0 && !isOurs(tables));
  if (taken.length === 0) return;
  throw new ConfigError([
    `The database already has a schema ${taken.map(({ name }) => name).join(", ")} that is not Usermesh's. Nothing was changed. Set DB_SCHEMA_PREFIX, or use a database of its own.`,
  ]);
}

async function createExtension(client: Client, names: Names): Promise<void> {
  const schema = schemaName(names, extensionSchema);
  await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
  await client.query(`CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA ${schema}`);
}

async function findExtensionSchema(client: Client): Promise<string | undefined> {
  const { rows } = await client.query<{ schema: string }>(FIND_EXTENSION_SCHEMA);
  return rows[0]?.schema;
}

/** Rewrites the SQL of migrations for the names in this database. */
export async function qualifyFor(client: Client, names: Names) {
  return createQualify(names, (await findExtensionSchema(client)) ?? schemaName(names, extensionSchema));
}

/** What a service's role may not do with its own tables: there, rows change through functions of the owner alone. */
const revokedRights: Readonly<Record<string, readonly string[]>> = {
  admin: [
    "UPDATE, DELETE, TRUNCATE ON admin.activity",
    "INSERT, UPDATE, DELETE, TRUNCATE ON admin.activity_chains",
    "INSERT, UPDATE, DELETE, TRUNCATE ON admin.erased",
  ],
};

/** A role reads and writes its own schema, uses that of the extension, and has no access to anything else. */
export async function grantOwnTables(client: Client, names: Names): Promise<void> {
  const { rows } = await client.query<{ shared_role: boolean }>(
    `SELECT shared_role FROM ${schemaName(names, "usermesh")}.installation`,
  );
  if (rows[0]?.shared_role) return;
  const extensions = (await findExtensionSchema(client)) ?? extensionSchema;
  for (const schema of schemas) {
    const role = roleName(names, schema);
    const revokes = (revokedRights[schema] ?? []).map(createQualify(names, extensions));
    await client.query(ownRights(schemaName(names, schema), escapeIdentifier(role), revokes));
    await grantUsage(client, extensions, role);
  }
}

/** One message is one transaction: the role never holds the rights that are revoked. */
function ownRights(schema: string, role: string, revokes: readonly string[]): string {
  return `GRANT USAGE ON SCHEMA ${schema} TO ${role};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${role};
    ${revokes.map((rights) => `REVOKE ${rights} FROM ${role};`).join(" ")}
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA ${schema} TO ${role};
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${schema} TO ${role}`;
}

/** Somebody else's schema may let everyone use it, and not let us grant that. */
async function grantUsage(client: Client, schema: string, role: string): Promise<void> {
  const { rows } = await client.query<{ has: boolean }>("SELECT has_schema_privilege($1, $2, 'USAGE') AS has", [
    role,
    schema,
  ]);
  if (rows[0]?.has) return;
  await client.query(`GRANT USAGE ON SCHEMA ${escapeIdentifier(schema)} TO ${escapeIdentifier(role)}`);
}
