import type { RowOf } from "../../lib/database/entity.ts";
import type { MeshEvent, StreamName } from "../../lib/events/events.ts";
import type { FailureLog } from "../../lib/runtime/failure-log.ts";
import type { Job, Platform } from "../../lib/runtime/platform.ts";
import { withHeartbeat } from "../../lib/runtime/timeouts.ts";
import type { Database, Transaction } from "../database/database.mixin.ts";
import type { ServiceEntities } from "../service-tables/service-tables.entities.ts";

/** Rebuilds a recreated stream before anything else is relayed to it. */
export interface Snapshot {
  readonly stream: StreamName;
  /** Whether this stream is known to be complete. */
  isComplete(streamId: string): boolean;
  /** Publishes one page, and stores the progress in the relay's transaction. True once the stream is complete. */
  step(tx: Transaction, streamId: string): Promise<boolean>;
}

type OutboxRow = Pick<RowOf<ServiceEntities["outbox"]>, "id" | "kind" | "user_id" | "body">;

/** An explicit reason, because creating the default one, an error with a stack, costs more than the wake-up. */
const WOKEN = "woken";
const BATCH = 200;
/** Well below idle_in_transaction_session_timeout (1 s). */
const KEEP_ALIVE_MS = 300;

/**
 * Publishes one batch of a schema's outbox. One relay per schema runs at a time; it holds a lock of its transaction, which
 * a killed or paused process loses.
 */
export async function relayBatch(
  platform: Platform,
  db: Database,
  failures: FailureLog,
  { snapshot, isWoken = false }: { readonly snapshot?: Snapshot | undefined; readonly isWoken?: boolean },
): Promise<"more" | "idle"> {
  const streamId = snapshot ? await platform.events.streamId(snapshot.stream) : null;
  const isIncomplete = streamId !== null && !snapshot?.isComplete(streamId);
  // One cheap statement instead of a transaction, because an idle relay looks several times a second.
  if (!isWoken && !isIncomplete && !(await hasPending(db))) return "idle";
  return db.transaction(async (tx) => {
    if (snapshot && isIncomplete) {
      if (!(await lockRelay(tx, db.schema))) return "idle";
      if (!(await keepAlive(platform, tx, () => snapshot.step(tx, streamId)))) return "more";
    }
    const rows = await takePending(tx, db.schema);
    if (rows.length === 0) return "idle";
    const done = await keepAlive(platform, tx, () => publishAll(platform, failures, rows));
    await tx.query(`UPDATE ${db.schema}.outbox SET published_at = clock_timestamp() WHERE id = ANY($1::bigint[])`, [
      done,
    ]);
    return done.length >= BATCH ? "more" : "idle";
  });
}

async function hasPending({ schema, query }: Database): Promise<boolean> {
  const sql = `SELECT EXISTS (SELECT FROM ${schema}.outbox WHERE published_at IS NULL) AS found`;
  return (await query<{ found: boolean }>(sql))[0]?.found ?? false;
}

async function lockRelay(tx: Transaction, schema: string): Promise<boolean> {
  return (await tx.query<{ held: boolean }>(`SELECT ${schema}.lock_relay() AS held`))[0]?.held ?? false;
}

/** Empty while another relay runs. */
function takePending(tx: Transaction, schema: string): Promise<OutboxRow[]> {
  return tx.query<OutboxRow>(`SELECT id, kind, user_id, body FROM ${schema}.take_outbox($1) ORDER BY id`, [BATCH]);
}

/** Publishes the rows of different users concurrently, those of one user in order up to the first failure. */
async function publishAll(platform: Platform, failures: FailureLog, rows: readonly OutboxRow[]): Promise<string[]> {
  const done: string[] = [];
  const byUser = Map.groupBy(rows, (row) => `${row.kind} ${row.user_id}`);
  await Promise.all([...byUser.values()].map((userRows) => publishInOrder(platform, failures, userRows, done)));
  return done;
}

async function publishInOrder(
  platform: Platform,
  failures: FailureLog,
  rows: readonly OutboxRow[],
  done: string[],
): Promise<void> {
  for (const row of rows) {
    try {
      await publishRow(platform, row);
      done.push(row.id);
    } catch (error) {
      const { message } = error as Error;
      const fields = { outbox_id: row.id, kind: row.kind, error: message };
      failures.warn(`${row.kind} ${message}`, fields, "outbox entry relay failed, will be retried");
      return;
    }
  }
}

async function publishRow({ events, queues, tracing }: Platform, row: OutboxRow): Promise<void> {
  if (row.kind === "event") {
    const event = row.body as MeshEvent;
    const { traceparent: parent } = event;
    if (parent === undefined || !tracing) return events.publish(event);
    const spec = { name: `publish ${event.event_type}`, kind: "producer", parent } as const;
    return tracing.run(spec, () =>
      events.publish(Object.assign({}, event, { traceparent: tracing.current() ?? parent })),
    );
  }
  const { queue, job, traceparent } = row.body as { queue: string; job: Job; traceparent?: string };
  if (traceparent === undefined || !tracing) return queues.add(queue, job);
  return tracing.run({ name: `relay ${queue}`, kind: "internal", parent: traceparent }, () => queues.add(queue, job));
}

/** A living relay keeps its transaction and with it the lock; a paused process loses both. */
function keepAlive<T>({ timers }: Platform, tx: Transaction, work: () => Promise<T>): Promise<T> {
  return withHeartbeat(timers, KEEP_ALIVE_MS, () => tx.query("SELECT 1"), work);
}

/** Runs `step` when woken, with `true`, and at least every `ms`, never concurrently. A failed step is repeated by the next one. */
export function createRelayLoop(
  { timers }: Platform,
  failures: FailureLog,
  ms: number,
  step: (isWoken: boolean) => Promise<"more" | "idle">,
) {
  const stopping = new AbortController();
  let sleeping = new AbortController();
  let woken = false;
  let running: Promise<void> = Promise.resolve();
  const runOnce = async () => {
    const isWoken = woken;
    woken = false;
    const outcome = await step(isWoken).catch((error: Error) => {
      failures.warn(error.message, { error: error.message }, "outbox relay failed, will be retried");
      return "idle" as const;
    });
    if (outcome === "more" || woken || stopping.signal.aborted) return;
    sleeping = new AbortController();
    await timers.sleep(ms, sleeping.signal).catch(() => undefined);
  };
  return {
    wake: () => {
      woken = true;
      sleeping.abort(WOKEN);
    },
    start: () => {
      running = (async () => {
        while (!stopping.signal.aborted) await runOnce();
      })();
    },
    stop: async () => {
      stopping.abort();
      sleeping.abort(WOKEN);
      await running;
    },
  };
}
