import type { TLSSocket } from "node:tls";
import { Client } from "pg";
import type { Config } from "../config/config.ts";
import { roleUrl, schemaOfUrl } from "./database-roles.ts";
import { schemaName, stateSchema } from "./schema-names.ts";
import { type SslOption, sslOption } from "./ssl-option.ts";

export interface Connection {
  readonly url: string;
  readonly ssl: SslOption;
  /** The owner's, because `migrate` could not create roles: its limits are not those of a service. */
  readonly isShared: boolean;
}

/**
 * Connects as the service that owns `schema`: with the URL of its role if that is given, otherwise with the owner's URL
 * and the password of the role, or as the owner if `migrate` could not create roles. `open` rejects with pg's error.
 */
export async function connectAs<T>(
  config: Config,
  schema: string,
  open: (connection: Connection) => Promise<T>,
): Promise<T> {
  const { database } = config;
  if (database.url === undefined) throw new Error("DATABASE_URL is not set");
  const ssl = sslOption(config);
  const isOwn = schemaOfUrl(database.url, database) === schema;
  try {
    return await open({ url: isOwn ? database.url : roleUrl(database.url, database, schema), ssl, isShared: false });
  } catch (error) {
    if (isOwn || !isRefusal(error) || !(await sharesOneRole(config, database.url, ssl))) throw error;
    return open({ url: database.url, ssl, isShared: true });
  }
}

/** The URL with which the service that owns `schema` connects. Tried first, because it may be its role's or the owner's. */
export async function urlOf(config: Config, schema: string): Promise<string> {
  return connectAs(config, schema, async ({ url, ssl }) => {
    await queryOnce(url, ssl, "SELECT 1");
    return url;
  });
}

/** What pg's client knows of its connection, missing in its types. */
interface ClientInternals {
  readonly user?: string;
  readonly processID?: number | null;
  readonly connection?: { readonly stream?: Partial<TLSSocket> };
}

/**
 * Checks a new connection: that it is the role's and encrypted as configured, whatever the URL, the environment or a pooler
 * have made of the settings. A pooler gives the client a process ID of its own.
 */
export async function verifyConnection(client: Client, ssl: SslOption): Promise<{ readonly isPooled: boolean }> {
  const { user, processID, connection } = client as unknown as ClientInternals;
  const { rows } = await client.query<{ role: string; pid: number; isolation: string }>(
    `SELECT current_user AS role, pg_backend_pid() AS pid,
       current_setting('default_transaction_isolation') AS isolation`,
  );
  const [row] = rows;
  if (row === undefined || row.role !== user)
    throw new Error(`PostgreSQL signed in ${row?.role ?? "nobody"} instead of the role ${user}`);
  const isEncrypted = connection?.stream?.encrypted === true;
  if (isEncrypted !== (ssl !== false)) throw new Error(`The connection is ${isEncrypted ? "" : "not "}encrypted`);
  // This is checked once per connection, so that no transaction needs a statement of its own to set it.
  if (row.isolation !== "read committed")
    throw new Error(
      `default_transaction_isolation is '${row.isolation}'. Run: ALTER ROLE ${user} SET default_transaction_isolation = 'read committed'`,
    );
  return { isPooled: row.pid !== processID };
}

/** SQLSTATE 28P01 and 28000: unknown role or wrong password. */
function isRefusal(error: unknown): boolean {
  return ["28P01", "28000"].includes((error as { code?: string }).code ?? "");
}

/** False also while the server is away. */
export async function canSignIn(url: string, ssl: SslOption): Promise<boolean> {
  return queryOnce(url, ssl, "SELECT 1").then(
    () => true,
    () => false,
  );
}

/** True if `migrate` recorded that the owner may not create roles. */
async function sharesOneRole({ database }: Config, ownerUrl: string, ssl: SslOption): Promise<boolean> {
  const table = `${schemaName(database, stateSchema)}.installation`;
  const rows = await queryOnce(ownerUrl, ssl, `SELECT shared_role FROM ${table}`);
  return rows[0]?.shared_role === true;
}

/** Long enough for a server to which all nodes of a mesh connect at once. */
export const CONNECTION_TIMEOUT_MS = 10_000;

async function queryOnce(
  connectionString: string,
  ssl: SslOption,
  sql: string,
): Promise<Array<Record<string, unknown>>> {
  const client = new Client({ connectionString, ssl, connectionTimeoutMillis: CONNECTION_TIMEOUT_MS });
  // A lost connection fails the statement. Without a listener it would end the process too.
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
