import { Client } from "pg";
import type { TestDatabase } from "../start/database.ts";

interface WithDatabase {
  readonly database: TestDatabase;
}

/** The events that a service has appended about a user, in order. */
export async function outboxEvents(
  { database }: WithDatabase,
  schema: string,
  userId: string,
): Promise<Array<Record<string, unknown>>> {
  const sql = `SELECT body FROM ${schema}.outbox WHERE user_id = $1 AND kind = 'event' ORDER BY id`;
  return (await database.query<{ body: Record<string, unknown> }>(sql, [userId])).map(({ body }) => body);
}

/** Those of one type, and whether they have been published. */
export function outboxEventsOfType(
  { database }: WithDatabase,
  schema: string,
  userId: string,
  type: string,
): Promise<Array<{ published: boolean }>> {
  const sql = `SELECT published_at IS NOT NULL AS published FROM ${schema}.outbox WHERE user_id = $1 AND body->>'event_type' = $2`;
  return database.query(sql, [userId, type]);
}

export async function liveSessions({ database }: WithDatabase, userId: string): Promise<number> {
  const sql = "SELECT count(*)::int AS n FROM sessions.sessions WHERE user_id = $1 AND revoked_at IS NULL";
  const [row] = await database.query<{ n: number }>(sql, [userId]);
  return row?.n ?? -1;
}

/** Runs a statement in a transaction that holds its locks until it is disposed of. */
export async function hold(
  { database }: WithDatabase,
  sql: string,
  values: readonly unknown[] = [],
): Promise<AsyncDisposable> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query("BEGIN");
  await client.query(sql, [...values]);
  return { [Symbol.asyncDispose]: () => client.end() };
}

/** Keeps the events of a schema from being published, by holding its relay's lock. */
export function holdRelay(from: WithDatabase, schema: string): Promise<AsyncDisposable> {
  return hold(from, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [`usermesh-relay-${schema}`]);
}
