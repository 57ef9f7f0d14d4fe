import { type Client, escapeIdentifier, escapeLiteral } from "pg";
import { type Config, ConfigError } from "../../lib/config/config.ts";
import { canSignIn } from "../../lib/database/connection.ts";
import { passwordOfRole, roleName, roleUrl, schemas } from "../../lib/database/database-roles.ts";
import { schemaName } from "../../lib/database/schema-names.ts";
import { sslOption } from "../../lib/database/ssl-option.ts";

type Say = (line: string) => void;
type Names = Config["database"];

/** Of installations that did not record it: their roles were named so in every database of the server. */
const EARLIER_PREFIX = "usermesh";

interface ExistingRole {
  /** The comment that `migrate` leaves on the roles it creates. */
  readonly mark: string | null;
  /** The databases in which the role owns something or has rights. */
  readonly databases: readonly string[];
}

interface Context {
  readonly client: Client;
  readonly names: Names;
  readonly ownerUrl: string;
  readonly database: string;
  readonly mark: string;
  /** The prefix of the roles that this database's installation has used so far. */
  readonly recorded: string | undefined;
  /** Whose roles have the right password already. Set again, it would get another salt, which poolers keep a copy of. */
  readonly signIn: ReadonlySet<string>;
}

/**
 * Creates a role for each service, in one transaction with the record of their prefix. Roles belong to the whole server:
 * one that exists and is not this installation's is refused and never altered, because it may sign in the services of
 * another one. Roles of this installation that have another prefix are renamed.
 */
export async function prepareRoles(client: Client, config: Config, ownerUrl: string, say: Say): Promise<void> {
  const names = config.database;
  const state = schemaName(names, "usermesh");
  await client.query("BEGIN");
  try {
    const may = await mayCreateRoles(client);
    if (may) await prepareEach(await contextOf(client, config, ownerUrl), say);
    else
      say(
        "The owner of the database may not create roles, so all services share its role. Grant it CREATEROLE to isolate them.",
      );
    await client.query(
      `INSERT INTO ${state}.installation (shared_role, role_prefix) VALUES ($1, $2)
       ON CONFLICT (single) DO UPDATE SET shared_role = excluded.shared_role,
         role_prefix = coalesce(excluded.role_prefix, installation.role_prefix)`,
      [!may, may ? names.rolePrefix : null],
    );
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

async function mayCreateRoles(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ may: boolean }>(
    "SELECT rolsuper OR rolcreaterole AS may FROM pg_roles WHERE rolname = current_user",
  );
  return rows[0]?.may === true;
}

async function contextOf(client: Client, config: Config, ownerUrl: string): Promise<Context> {
  const names = config.database;
  const { rows } = await client.query<{ database: string; role_prefix: string | null; shared_role: boolean | null }>(
    `SELECT current_database() AS database, role_prefix, shared_role
     FROM (SELECT 1) AS one LEFT JOIN ${schemaName(names, "usermesh")}.installation ON true`,
  );
  const { database = "", role_prefix = null, shared_role = null } = rows[0] ?? {};
  const earlier = shared_role === false ? EARLIER_PREFIX : undefined;
  const mark = `Usermesh, database ${database}${names.schemaPrefix && `, schemas ${names.schemaPrefix}*`}`;
  const recorded = role_prefix ?? earlier;
  const signIn = recorded === names.rolePrefix ? await findSignIns(config, ownerUrl) : new Set<string>();
  return { client, names, ownerUrl, database, mark, recorded, signIn };
}

async function findSignIns(config: Config, ownerUrl: string): Promise<ReadonlySet<string>> {
  const found = await Promise.all(
    schemas.map(async (schema) => ({
      schema,
      ok: await canSignIn(roleUrl(ownerUrl, config.database, schema), sslOption(config)),
    })),
  );
  return new Set(found.filter(({ ok }) => ok).map(({ schema }) => schema));
}

async function prepareEach(context: Context, say: Say): Promise<void> {
  const { recorded, names } = context;
  if (recorded !== undefined && recorded !== names.rolePrefix)
    say(`The services' roles are named ${names.rolePrefix}_* from now on, not ${recorded}_*.`);
  for (const schema of schemas) await prepareRole(context, schema);
}

/** The timeouts belong to the role, so that a paused node blocks no other one, whatever its own settings are. */
export function settingsOfRole(role: string, mark: string): string {
  const name = escapeIdentifier(role);
  return `ALTER ROLE ${name} SET default_transaction_isolation = 'read committed';
    ALTER ROLE ${name} SET idle_in_transaction_session_timeout = '1s';
    ALTER ROLE ${name} SET lock_timeout = '2s';
    ALTER ROLE ${name} SET statement_timeout = '5s';
    COMMENT ON ROLE ${name} IS ${escapeLiteral(mark)};`;
}

async function prepareRole(context: Context, schema: string): Promise<void> {
  const { client, names, ownerUrl, mark } = context;
  const role = roleName(names, schema);
  const name = escapeIdentifier(role);
  const existing = await readRole(client, role);
  if (existing) assertOurs(context, role, existing);
  await replaceEarlier(context, schema, existing === undefined);
  if (!context.signIn.has(schema))
    await client.query(
      `ALTER ROLE ${name} WITH LOGIN PASSWORD ${escapeLiteral(passwordOfRole(names, ownerUrl, schema))}`,
    );
  await client.query(settingsOfRole(role, mark));
}

async function readRole(client: Client, role: string): Promise<ExistingRole | undefined> {
  const { rows } = await client.query<ExistingRole>(
    `SELECT shobj_description(r.oid, 'pg_authid') AS mark,
       ARRAY(SELECT DISTINCT d.datname::text FROM pg_shdepend AS s JOIN pg_database AS d ON d.oid = s.dbid
         WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid) AS databases
     FROM pg_roles AS r WHERE r.rolname = $1`,
    [role],
  );
  return rows[0];
}

/** Ours: recorded here and used nowhere else, or left over from a database of this name that was dropped. */
function assertOurs({ database, mark, recorded, names }: Context, role: string, existing: ExistingRole): void {
  const elsewhere = existing.databases.filter((name) => name !== database);
  const isUsedHere = existing.databases.includes(database);
  const isOurs = isUsedHere ? recorded === names.rolePrefix : existing.mark === mark;
  if (isOurs && elsewhere.length === 0) return;
  const reason =
    elsewhere.length > 0 ? `is used by the database ${elsewhere.join(", ")}` : "was not created by this installation";
  throw new ConfigError([
    `The PostgreSQL role ${role} exists and ${reason}, so it was left alone. Set DB_ROLE_PREFIX to a prefix of this installation's own, or drop the role if nothing needs it.`,
  ]);
}

/**
 * Creates the role, or renames the one with the earlier prefix. One that other databases use as well stays theirs, and only
 * loses its rights here.
 */
async function replaceEarlier(context: Context, schema: string, isMissing: boolean): Promise<void> {
  const { client, names, database, recorded } = context;
  const name = escapeIdentifier(roleName(names, schema));
  const earlier = recorded === undefined || recorded === names.rolePrefix ? undefined : `${recorded}_${schema}`;
  const usedIn = earlier === undefined ? [] : ((await readRole(client, earlier))?.databases ?? []);
  if (earlier === undefined || !usedIn.includes(database)) {
    if (isMissing) await client.query(`CREATE ROLE ${name} LOGIN`);
    return;
  }
  if (isMissing && usedIn.length === 1 && (await mayAlter(client, earlier)))
    return void (await client.query(`ALTER ROLE ${escapeIdentifier(earlier)} RENAME TO ${name}`));
  if (isMissing) await client.query(`CREATE ROLE ${name} LOGIN`);
  await client.query(revokeAll(schemaName(names, schema), escapeIdentifier(earlier)));
}

/** From version 16 on, PostgreSQL lets a role that creates roles alter only those it administers. */
async function mayAlter(client: Client, role: string): Promise<boolean> {
  const { rows } = await client.query<{ may: boolean }>(
    `SELECT rolsuper OR current_setting('server_version_num')::int < 160000
       OR pg_has_role(current_user, $1, 'MEMBER WITH ADMIN OPTION') AS may
     FROM pg_roles WHERE rolname = current_user`,
    [role],
  );
  return rows[0]?.may === true;
}

function revokeAll(schema: string, role: string): string {
  return `REVOKE ALL ON ALL TABLES IN SCHEMA ${schema} FROM ${role};
    REVOKE ALL ON ALL SEQUENCES IN SCHEMA ${schema} FROM ${role};
    REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ${schema} FROM ${role};
    REVOKE ALL ON SCHEMA ${schema} FROM ${role}`;
}
