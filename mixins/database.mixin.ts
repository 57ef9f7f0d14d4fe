import type { ServiceSchema } from "moleculer";
import type { Pool } from "pg";
import { DataSource, type EntityManager, type Repository as TypeOrmRepository } from "typeorm";
import { translateDatabaseError } from "../lib/database/database-errors.ts";
import { resolveConnection } from "../lib/database/database-roles.ts";
import type { Entity, RowOf } from "../lib/database/entity.ts";
import type { Platform } from "../lib/runtime/platform.ts";
import { retry } from "../lib/runtime/retry.ts";

const methods = ["find", "findBy", "findOneBy", "findAndCount", "insert", "update", "upsert", "delete"] as const;

/** TypeORM's repository, for statements without locks and conditions. Omits `save`, which takes four statements. */
export interface Repository<Row extends object> extends Pick<TypeOrmRepository<Row>, (typeof methods)[number]> {
  /** `ON CONFLICT DO NOTHING`. False if a unique key of the row exists, or a trigger skipped the row. */
  insertOrIgnore(row: Partial<Row>): Promise<boolean>;
}

/** Runs each statement on a connection of the pool, or all on that of a transaction. */
export interface Queryable {
  /** Returns the rows, also of INSERT, UPDATE and DELETE with RETURNING. */
  query<Row = Record<string, unknown>>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  repository<E extends Entity>(entity: E): Repository<RowOf<E>>;
}

/** Statements outside transactions are prepared by their text. */
export interface TransactionSource<T extends Transaction = Transaction> extends Queryable {
  readonly schema: string;
  /** READ COMMITTED. Rolls back if `work` rejects. */
  transaction<R>(work: (tx: T) => Promise<R>): Promise<R>;
}

/** A service's own schema, under its own role and pool. It can't read the tables of other services. */
export interface Database extends TransactionSource {
  connect(): Promise<void>;
  close(): Promise<void>;
  status(): DatabaseStatus;
}

export interface Transaction extends Queryable {
  /** Runs once after the commit, never after a rollback. */
  afterCommit(fn: () => void): void;
}

export interface DatabaseStatus {
  readonly connected: boolean;
  readonly total: number;
  readonly idle: number;
  readonly waiting: number;
}

interface DatabaseOptions {
  readonly schema: string;
  readonly entities?: readonly Entity[];
  /** Maximum connections. Default: the platform's share. */
  readonly poolSize?: number;
}

export function createDatabase(platform: Platform, options: DatabaseOptions): Database {
  let source: DataSource | undefined;
  const closing = new AbortController();
  const open = async () => {
    const candidate = new DataSource(await dataSourceOptions(platform, options));
    source = await candidate.initialize();
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
  return {
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
    query: <Row>(sql: string, values: readonly unknown[] = []) => runStatement<Row>(poolOf(current()), sql, values),
    repository: (entity) => repositoryOf(current().manager, entity, translated),
    transaction: (work) => runTransaction(current(), work),
    status: () => statusOf(source),
  };
}

/** Opens the pool when the service starts, closes it when it has stopped. */
export function database(db: Database): Partial<ServiceSchema> {
  return { started: () => db.connect(), stopped: () => db.close() };
}

async function runStatement<Row>(pool: Pool, sql: string, values: readonly unknown[]): Promise<Row[]> {
  try {
    const result = await pool.query({ text: sql, values: [...values], name: statementName(sql) });
    return result.rows as Row[];
  } catch (error) {
    throw translateDatabaseError(error);
  }
}

type Method = (...args: unknown[]) => Promise<unknown>;
type Guard = <T>(result: Promise<T>) => Promise<T>;

function repositoryOf<E extends Entity>(manager: EntityManager, { schema }: E, guard: Guard): Repository<RowOf<E>> {
  const repository = manager.getRepository(schema);
  const bound = methods.map((name) => {
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

async function runTransaction<T>(source: DataSource, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const afterwards: Array<() => void> = [];
  try {
    const result = await source.transaction("READ COMMITTED", (manager) => work(transactionOver(manager, afterwards)));
    for (const fn of afterwards) fn();
    return result;
  } catch (error) {
    throw translateDatabaseError(error);
  }
}

function transactionOver(manager: EntityManager, afterwards: Array<() => void>): Transaction {
  return {
    repository: (entity) => repositoryOf(manager, entity, (result) => result),
    afterCommit: (fn) => void afterwards.push(fn),
    async query<Row>(sql: string, values: readonly unknown[] = []) {
      const runner = manager.queryRunner;
      if (!runner) throw new Error("The transaction has no query runner");
      const result = await runner.query(sql, [...values], true);
      return result.records as Row[];
    },
  };
}

async function dataSourceOptions(platform: Platform, options: DatabaseOptions) {
  const { url, ssl } = await resolveConnection(platform.config, options.schema);
  return {
    type: "postgres" as const,
    url,
    ssl,
    schema: options.schema,
    entities: (options.entities ?? []).map(({ schema }) => schema),
    logging: false as const,
    applicationName: `usermesh-${options.schema}`,
    poolSize: options.poolSize ?? platform.poolSize,
    connectTimeoutMS: 2_000,
    // The server ends the transactions of a paused node, so that it does not block other nodes.
    extra: {
      options: "-c statement_timeout=5000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=1000",
      idleTimeoutMillis: 30_000,
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

/** PostgreSQL identifies prepared statements by name; each statement text gets its own short one. */
function statementName(sql: string): string {
  const known = names.get(sql);
  if (known !== undefined) return known;
  const name = `s${names.size + 1}`;
  names.set(sql, name);
  return name;
}
