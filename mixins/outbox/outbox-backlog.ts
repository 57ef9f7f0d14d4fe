import type { Actions } from "../../lib/actions/typed-call.ts";
import type { Database } from "../database/database.mixin.ts";

const MAX_COUNTED = 10_000;

/** Counted up to 10,000, so that a long backlog does not make its own measurement slow. */
export async function readBacklog({ schema, query }: Database): Promise<Actions["users.outbox"]["result"]> {
  const [row] = await query<{ pending: number; oldest_seconds: number | null }>(
    `SELECT count(*)::int AS pending, extract(epoch FROM clock_timestamp() - min(created_at))::float8 AS oldest_seconds
     FROM (SELECT created_at FROM ${schema}.outbox WHERE published_at IS NULL ORDER BY kind, id LIMIT ${MAX_COUNTED}) AS waiting`,
  );
  return row ?? { pending: 0, oldest_seconds: null };
}
