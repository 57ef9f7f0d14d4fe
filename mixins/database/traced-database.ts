import type { Tracing } from "../../lib/observability/tracing.ts";
import type { Database, Queryable, Repository, Transaction } from "./database.types.ts";

/** A span for each statement and each transaction. The text of a statement has placeholders instead of values. */
export function tracedDatabase(database: Database, tracing: Tracing): Database {
  const traced = tracedQueryable(database, database.schema, tracing);
  return {
    ...database,
    ...traced,
    transaction: (work) =>
      tracing.run({ name: `transaction ${database.schema}`, kind: "internal" }, () =>
        database.transaction((tx: Transaction) => work({ ...tx, ...tracedQueryable(tx, database.schema, tracing) })),
      ),
  };
}

function tracedQueryable(on: Queryable, schema: string, tracing: Tracing): Queryable {
  const run = <T>(text: string, work: () => Promise<T>): Promise<T> => {
    const operation = /^[\s(]*(\w+)/.exec(text)?.[1]?.toUpperCase() ?? "SQL";
    const attributes = { "db.system.name": "postgresql", "db.namespace": schema, "db.query.text": text };
    return tracing.run({ name: `${operation} ${schema}`, kind: "client", attributes }, work);
  };
  return {
    query: (sql, values) => run(sql, () => on.query(sql, values)),
    repository: (entity) => {
      const repository = on.repository(entity);
      const methods = Object.entries(repository as unknown as Readonly<Record<string, Method>>).map(
        ([name, method]) => [
          name,
          (...args: unknown[]) => run(`${name} ${entity.schema.options.name}`, () => method(...args)),
        ],
      );
      return Object.fromEntries(methods) as Repository<never> as unknown as typeof repository;
    },
  };
}

type Method = (...args: unknown[]) => Promise<unknown>;
