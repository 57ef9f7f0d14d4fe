import type { ServiceSchema } from "moleculer";
import pg, { type Client, type Pool, type PoolClient, type QueryConfig } from "pg";
import { DataSource, type EntityManager } from "typeorm";
import { CONNECTION_TIMEOUT_MS, type Connection, connectAs, verifyConnection } from "../../lib/database/connection.ts";
import { isStaleStatement, translateDatabaseError } from "../../lib/database/database-errors.ts";
import { type Entity, type RowOf, withSchema } from "../../lib/database/entity.ts";
import {
  createQualify,
  extensionSchema,
  FIND_EXTENSION_SCHEMA,
  type Qualify,
  schemaName,
} from "../../lib/database/schema-names.ts";
import type { Platform } from "../../lib/runtime/platform.ts";
import { retry } from "../../lib/runtime/retry.ts";
import {
  type Database,
  type DatabaseStatus,
  type Queryable,
  type Repository,
  repositoryMethods,
  type Transaction,
  type TransactionSource,
} from "./database.types.ts";
import { tracedDatabase } from "./traced-database.ts";

export type { Database, Queryable, Transaction, TransactionSource };

/** The part of its time that a request waits for a connection of the pool: by default 2 s of 10 s. */
const CONNECTION_SHARE = 1 / 5;

interface DatabaseOptions {
  readonly schema: string;
  readonly entities?: readonly Entity[];
  /** Maximum connections. Default: the platform's share. */
  readonly poolSize?: number;
}

export function createDatabase(platform: Platform, options: DatabaseOptions): Database {
  let source: DataSource | undefined;
  let isPooled = false;
  let qualify: Qualify = (sql) => sql;
  const onPooled = () => {
    if (!isPooled)
      platform.log.info({ schema: options.schema }, "connection pooler found, statements are not prepared");
    isPooled = true;
  };
  const closing = new AbortController();
  const open = async () => {
    source = await connectAs(platform.config, options.schema, (connection) =>
      new DataSource(dataSourceOptions(platform, options, connection, onPooled)).initialize(),
    );
    qualify = createQualify(platform.config.database, await findExtensions(source));
    poolOf(source).options.connectionTimeoutMillis = platform.config.http.requestTimeoutMs * CONNECTION_SHARE;
    // The service was stopped while it started, so nothing else would close this connection.
    if (closing.signal.aborted) await source.destroy();
    closing.signal.throwIfAborted();
    poolOf(source).on("error", (error: Error) =>
      platform.log.warn({ schema: options.schema, error: error.message }, "database connection lost"),
    );
  };
  const current = (): DataSource => {
    if (source?.isInitialized) return source;
    throw translateDatabaseError(new Error("DataSource is not connected"));
  };
  platform.metrics.pools.push({ schema: options.schema, status: () => statusOf(source) });
  platform.health.add("database", () => isWritable(poolOf(current())), { isVital: true });
  const opened: Database = {
    schema: options.schema,
    // A node may start before its database.
    connect: () =>
      retry(open, {
        timers: platform.timers,
        delayMs: 100,
        maxDelayMs: 2_000,
        signal: closing.signal,
        onFailure: (error) => platform.log.warn({ schema: options.schema, error }, "database unavailable, waiting"),
      }),
    close: async () => {
      closing.abort();
      if (source?.isInitialized) await source.destroy();
    },
    query: <Row>(sql: string, values: readonly unknown[] = []) =>
      runStatement<Row>(poolOf(current()), statement(qualify(sql), values, !isPooled)),
    repository: (entity) => repositoryOf(current().manager, entity, translated),
    transaction: (work) => runTransaction(current(), { qualify, isPrepared: () => !isPooled }, work),
    status: () => statusOf(source),
  };
  return platform.tracing ? tracedDatabase(opened, platform.tracing) : opened;
}

/**
 * Finds the schema of pg_trgm over the first connection, which may take longer than a request should wait; later ones may
 * not. On failure the pool is closed, so that `connect` can open a new one.
 */
async function findExtensions(source: DataSource): Promise<string> {
  const pool = poolOf(source);
  try {
    const { rows } = await pool.query<{ schema: string }>(FIND_EXTENSION_SCHEMA);
    return rows[0]?.schema ?? extensionSchema;
  } catch (error) {
    await source.destroy();
    throw error;
  }
}

/** After a failover the node may be connected to a standby, which answers reads but refuses writes. */
async function isWritable(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query("SELECT current_setting('transaction_read_only') = 'off' AS writable");
  return rows[0].writable;
}

/** Opens the pool when the service starts, closes it when it has stopped. */
export function database(db: Database): Partial<ServiceSchema> {
  return { started: () => db.connect(), stopped: () => db.close() };
}

async function runStatement<Row>(pool: Pool, query: QueryConfig): Promise<Row[]> {
  try {
    return (await pool.query(query)).rows as Row[];
  } catch (error) {
    throw refusalOf(error);
  }
}

/** After a migration has changed a type, PostgreSQL refuses the statements that were prepared before it. */
function refusalOf(error: unknown): unknown {
  if (isStaleStatement(error)) forgetStatements();
  return translateDatabaseError(error);
}

function statement(text: string, values: readonly unknown[], isPrepared: boolean): QueryConfig {
  return { text, values: [...values], ...(isPrepared && { name: statementName(text) }) };
}

type Method = (...args: unknown[]) => Promise<unknown>;
type Guard = <T>(result: Promise<T>) => Promise<T>;

function repositoryOf<E extends Entity>(manager: EntityManager, { schema }: E, guard: Guard): Repository<RowOf<E>> {
  const repository = manager.getRepository(schema);
  const bound = repositoryMethods.map((name) => {
    const method = (repository[name] as Method).bind(repository);
    return [name, (...args: unknown[]) => guard(method(...args))];
  });
  const insertOrIgnore = async (row: object) => {
    const insert = repository.createQueryBuilder().insert().values(row).orIgnore().updateEntity(false);
    const keys = repository.metadata.primaryColumns.map((column) => column.databaseName);
    const { raw } = await guard(insert.returning(keys).execute());
    return raw.length === 1;
  };
  return Object.assign(Object.fromEntries(bound), { insertOrIgnore }) as unknown as Repository<RowOf<E>>;
}

/** Outside a transaction nothing else translates the errors. */
const translated: Guard = (result) =>
  result.catch((error) => {
    throw translateDatabaseError(error);
  });

interface StatementForm {
  readonly qualify: Qualify;
  /** False behind a connection pooler. Known only once a connection is open. */
  readonly isPrepared: () => boolean;
}

async function runTransaction<T>(
  source: DataSource,
  form: StatementForm,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const afterwards: Array<() => void> = [];
  try {
    const result = await source.transaction((manager) => work(transactionOver(manager, form, afterwards)));
    for (const fn of afterwards) fn();
    return result;
  } catch (error) {
    throw refusalOf(error);
  }
}

function transactionOver(
  manager: EntityManager,
  { qualify, isPrepared }: StatementForm,
  afterwards: Array<() => void>,
): Transaction {
  return {
    repository: (entity) => repositoryOf(manager, entity, (result) => result),
    afterCommit: (fn) => void afterwards.push(fn),
    async query<Row>(sql: string, values: readonly unknown[] = []) {
      const runner = manager.queryRunner;
      if (!runner) throw new Error("The transaction has no query runner");
      // By now, the connection may belong to another transaction.
      if (runner.isReleased) throw new Error("Query runner already released");
      // TypeORM's own `query` cannot name a statement, so that PostgreSQL would parse and plan it each time.
      const client: PoolClient = await runner.connect();
      return (await client.query(statement(qualify(sql), values, isPrepared()))).rows as Row[];
    },
  };
}

/** Those of the services' roles (`migrate` sets them), for a role that they share with the owner. */
const SHARED_ROLE_LIMITS =
  "SET statement_timeout = '5s'; SET lock_timeout = '2s'; SET idle_in_transaction_session_timeout = '1s'";

function dataSourceOptions(
  platform: Platform,
  options: DatabaseOptions,
  { url, ssl, isShared }: Connection,
  onPooled: () => void,
) {
  return {
    type: "postgres" as const,
    // Passed explicitly: TypeORM would `require` it by a computed name, which a bundler cannot follow.
    driver: pg,
    url,
    ssl,
    schema: schemaName(platform.config.database, options.schema),
    entities: (options.entities ?? []).map((entity) => withSchema(entity, platform.config.database)),
    logging: false as const,
    applicationName: `usermesh-${options.schema}`,
    poolSize: options.poolSize ?? platform.poolSize,
    connectTimeoutMS: CONNECTION_TIMEOUT_MS,
    extra: {
      idleTimeoutMillis: 30_000,
      // Poolers reject settings in the startup packet.
      onConnect: async (client: Client) => {
        // The pool listens to idle connections only. An error of another one would end the process between two statements.
        client.on("error", () => undefined);
        const { isPooled } = await verifyConnection(client, ssl);
        if (isPooled) onPooled();
        // The server ends the transactions of a paused node, so that it does not block other nodes.
        if (isShared) await client.query(SHARED_ROLE_LIMITS);
      },
    },
  };
}

function statusOf(source: DataSource | undefined): DatabaseStatus {
  if (!source?.isInitialized) return { connected: false, total: 0, idle: 0, waiting: 0 };
  const pool = poolOf(source);
  return { connected: true, total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount };
}

function poolOf(source: DataSource): Pool {
  return (source.driver as unknown as { master: Pool }).master;
}

const names = new Map<string, string>();
let generation = 0;

/** From now on, each statement is prepared again, under another name. */
function forgetStatements(): void {
  generation += 1;
  names.clear();
}

/** PostgreSQL identifies prepared statements by name; each statement text gets its own short one. */
function statementName(sql: string): string {
  const known = names.get(sql);
  if (known !== undefined) return known;
  const name = `s${generation}_${names.size + 1}`;
  names.set(sql, name);
  return name;
}
