import { Client } from "pg";
import { type Config, ConfigError } from "../../lib/config/config.ts";
import { verifyConnection } from "../../lib/database/connection.ts";
import { schemaOfUrl, schemas } from "../../lib/database/database-roles.ts";
import { createQuery } from "../../lib/database/schema-names.ts";
import { sslOption } from "../../lib/database/ssl-option.ts";
import { migrateQueues } from "../../lib/queues/queues-postgres.ts";
import { updateEmailKeys } from "./email-keys.ts";
import { grantOwnTables, prepareSchemas, qualifyFor } from "./prepare.ts";
import { prepareRoles } from "./roles.ts";
import { migrateDown, migrateSchema, type SchemaStatus, statusOf } from "./schemas.ts";

export type Say = (line: string) => void;

/** A lock of the transaction, because behind a connection pooler a session's lock would stay with the server's connection. */
const LOCK = `BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0;
  SELECT pg_advisory_xact_lock(hashtextextended('usermesh-migrate', 0))`;

const NO_QUEUES_BEHIND_POOLER =
  "REDIS_URL must be set when a connection pooler is in front of PostgreSQL: without Redis the job queues need sessions of their own.";

/**
 * Creates roles, schemas, extensions, tables, functions and the queue's schema, as the owner of the database. May be
 * repeated, and run from several machines at once.
 */
export async function migrate(config: Config, say: Say): Promise<void> {
  await asOnlyOwner(config, async (client, url) => {
    await prepareSchemas(client, config.database);
    await prepareRoles(client, config, url, say);
    for (const schema of schemas) await migrateSchema(config, client, schema, say);
    await updateEmailKeys(createQuery(client, await qualifyFor(client, config.database)), say);
    await migrateQueues(config, url);
    await grantOwnTables(client, config.database);
  });
}

export async function migrationStatus(config: Config): Promise<SchemaStatus[]> {
  return asOwner(config, async (client) => {
    const found: SchemaStatus[] = [];
    for (const schema of schemas) found.push(await statusOf(client, config, schema));
    return found;
  });
}

/** Undoes the newest migration of the schema that is named. */
export async function undoMigration(config: Config, schema: string | undefined, say: Say): Promise<void> {
  return asOnlyOwner(config, (client) => migrateDown(config, client, schema, say));
}

/** Serializes migrations of a database, whichever machines run them. */
async function asOnlyOwner<T>(config: Config, work: (client: Client, url: string) => Promise<T>): Promise<T> {
  return asOwner(config, async (holder) => {
    await holder.query(LOCK);
    return asOwner(config, work);
  });
}

/** PostgreSQL may be busy, with other nodes that start or with its own recovery. A migration that gives up has to be repeated by hand. */
const CONNECTION_TIMEOUT_MS = 30_000;

async function asOwner<T>(config: Config, work: (client: Client, url: string) => Promise<T>): Promise<T> {
  const url = config.database.url;
  if (url === undefined)
    throw new ConfigError([
      "DATABASE_URL must name the database to migrate. `npm start` migrates the embedded one by itself.",
    ]);
  const schema = schemaOfUrl(url, config.database);
  if (schema !== undefined)
    throw new ConfigError([`DATABASE_URL names the role of ${schema}: \`migrate\` needs the owner of the database.`]);
  const ssl = sslOption(config);
  const client = new Client({ connectionString: url, ssl, connectionTimeoutMillis: CONNECTION_TIMEOUT_MS });
  // A lost connection fails the statement; without a listener it would end the process as well.
  client.on("error", () => undefined);
  await client.connect();
  try {
    const { isPooled } = await verifyConnection(client, ssl);
    if (isPooled && config.redis.url === undefined) throw new ConfigError([NO_QUEUES_BEHIND_POOLER]);
    return await work(client, url);
  } finally {
    await client.end();
  }
}
