import type { Repository as TypeOrmRepository } from "typeorm";
import type { Entity, RowOf } from "../../lib/database/entity.ts";

export const repositoryMethods = [
  "find",
  "findBy",
  "findOneBy",
  "findAndCount",
  "insert",
  "update",
  "upsert",
  "delete",
] as const;

/** TypeORM's repository, for statements without locks and conditions. Omits `save`, which takes four statements. */
export interface Repository<Row extends object>
  extends Pick<TypeOrmRepository<Row>, (typeof repositoryMethods)[number]> {
  /** `ON CONFLICT DO NOTHING`. False if a unique key of the row exists, or a trigger skipped the row. */
  insertOrIgnore(row: Partial<Row>): Promise<boolean>;
}

/** Runs each statement on any connection of the pool, or, in a transaction, all on its connection. */
export interface Queryable {
  /** Returns the rows, also of INSERT, UPDATE and DELETE with RETURNING. */
  query<Row = Record<string, unknown>>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  repository<E extends Entity>(entity: E): Repository<RowOf<E>>;
}

/** Statements outside transactions are prepared under a name made of their text, unless a pooler is in between. */
export interface TransactionSource<T extends Transaction = Transaction> extends Queryable {
  readonly schema: string;
  /** READ COMMITTED, which is checked for each connection. Rolls back if `work` rejects. */
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
