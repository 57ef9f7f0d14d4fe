import type { ActionContext, Actions } from "../../lib/actions/typed-call.ts";
import type { Database } from "../database/database.mixin.ts";
import type { Outbox } from "./outbox.mixin.ts";
import { readBacklog } from "./outbox-backlog.ts";

type Params<K extends "events" | "replayEvents"> = Actions[`users.${K}`]["params"];
type Result<K extends "events" | "replayEvents"> = Actions[`users.${K}`]["result"];

/** The handlers of `outboxActions`. */
export function outboxOperations(db: Database, outbox: Outbox) {
  return {
    outbox: () => readBacklog(db),
    events: ({ params }: ActionContext<Params<"events">>) => listEvents(db, params),
    async replayEvents({ params }: ActionContext<Params<"replayEvents">>) {
      const replayed = await markForReplay(db, params);
      outbox.wake();
      return { replayed };
    },
  };
}

async function listEvents(
  { schema, query }: Database,
  { after, user_id, limit = 20 }: Params<"events">,
): Promise<Result<"events">> {
  const columns = `SELECT id, body FROM ${schema}.outbox WHERE kind = 'event' AND ($1::uuid IS NULL OR user_id = $1)`;
  const rows =
    after === undefined
      ? (await query<EventRow>(`${columns} ORDER BY id DESC LIMIT $2`, [user_id ?? null, limit])).toReversed()
      : await query<EventRow>(`${columns} AND id > $3::bigint ORDER BY id LIMIT $2`, [user_id ?? null, limit, after]);
  return { events: rows.map((row) => row.body), position: rows.at(-1)?.id ?? after ?? "0" };
}

interface EventRow {
  readonly id: string;
  readonly body: Result<"events">["events"][number];
}

/** The id of the replay makes the message a new one for JetStream, which drops repeated message ids for an hour. */
async function markForReplay(db: Database, { since, user_id, replay }: Params<"replayEvents">): Promise<number> {
  const rows = await db.query<{ n: number }>(
    `WITH marked AS (
       UPDATE ${db.schema}.outbox SET published_at = NULL, body = body || jsonb_build_object('replay', $3::text)
       WHERE kind = 'event' AND published_at IS NOT NULL AND created_at >= $1::timestamptz
         AND ($2::uuid IS NULL OR user_id = $2) RETURNING 1
     ) SELECT count(*)::int AS n FROM marked`,
    [since, user_id ?? null, replay],
  );
  return rows[0]?.n ?? 0;
}
