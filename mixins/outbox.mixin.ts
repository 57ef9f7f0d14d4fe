import type { ServiceSchema } from "moleculer";
import type { EventType, MeshEvent, StreamName } from "../lib/events/events.ts";
import { newId } from "../lib/runtime/ids.ts";
import type { Job, Platform, QueueName } from "../lib/runtime/platform.ts";
import { withHeartbeat } from "../lib/runtime/timeouts.ts";
import type { Database, Transaction } from "./database.mixin.ts";

/** Facts and work of one service, written down in the transaction that makes them due and relayed after it. */
export interface Outbox {
  /** States a fact about a user. Resolves to its event id. */
  append(tx: Transaction, fact: NewEvent): Promise<string>;
  /** The same for many users in one statement. */
  appendAll(tx: Transaction, facts: readonly NewEvent[]): Promise<void>;
  /** Facts and jobs that wait, counted no further than `most`. */
  countPending(most: number): Promise<number>;
  /** The body of a fact that a database function of the service states by itself, in its one statement; `wake` after it. */
  buildEvent(fact: EventDraft): Readonly<Record<string, unknown>>;
  /** Relays soon. */
  wake(): void;
  /** Makes a job due. Its data hold ids only, never a secret or an address. */
  enqueue(tx: Transaction, work: NewJob): Promise<void>;
  /** Relays what is due now; resolves when nothing more could be relayed. */
  relay(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

/** What a stream that was made anew is told before anything else is relayed to it. */
export interface Snapshot {
  readonly stream: StreamName;
  /** Publishes a part, and remembers in the relay's transaction how far it came. True once `incarnation` has all. */
  step(tx: Transaction, streamId: string): Promise<boolean>;
}

export interface NewEvent {
  readonly type: EventType;
  readonly userId: string;
  readonly tenantId: string;
  readonly correlationId: string;
  /** Chosen by the caller where a call and this event are one operation. */
  readonly eventId?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** The database may know the tenant better than who states the fact. */
export type EventDraft = Omit<NewEvent, "tenantId"> & Partial<Pick<NewEvent, "tenantId">>;

export interface NewJob {
  readonly queue: QueueName;
  readonly job: Job;
  readonly userId: string;
}

interface Row {
  readonly id: string;
  readonly kind: "event" | "job";
  readonly user_id: string;
  readonly body: unknown;
}

const POLL_MS = 250;
const BATCH = 200;
/** Well below idle_in_transaction_session_timeout (1 s). */
const KEEP_ALIVE_MS = 300;

export function createOutbox(platform: Platform, db: Database, source: string, snapshot?: Snapshot): Outbox {
  const loop = createLoop(platform, POLL_MS, () => relayBatch(platform, db, snapshot));
  return {
    async append(tx, fact) {
      const event = describe(platform, source, fact);
      await tx.query(`SELECT ${db.schema}.append_event($1, $2, $3)`, [
        event.event_id,
        fact.userId,
        JSON.stringify(event),
      ]);
      tx.afterCommit(loop.wake);
      return event.event_id;
    },
    async appendAll(tx, facts) {
      await tx.query(
        `SELECT ${db.schema}.append_event((e ->> 'event_id')::uuid, (e ->> 'user_id')::uuid, e)
         FROM jsonb_array_elements($1::jsonb) AS e`,
        [JSON.stringify(facts.map((fact) => describe(platform, source, fact)))],
      );
      tx.afterCommit(loop.wake);
    },
    async countPending(most) {
      const sql = `SELECT count(*)::int AS n FROM
        (SELECT FROM ${db.schema}.outbox WHERE published_at IS NULL LIMIT $1) AS found`;
      return (await db.query<{ n: number }>(sql, [most]))[0]?.n ?? 0;
    },
    buildEvent: (fact) => describe(platform, source, fact),
    wake: loop.wake,
    async enqueue(tx, { queue, job, userId }) {
      const sql = `INSERT INTO ${db.schema}.outbox (kind, event_id, user_id, body) VALUES ('job', $1, $2, $3) ON CONFLICT (event_id) DO NOTHING`;
      await tx.query(sql, [job.id, userId, JSON.stringify({ queue, job })]);
      tx.afterCommit(loop.wake);
    },
    async relay() {
      while ((await relayBatch(platform, db, snapshot)) === "more");
    },
    start: loop.start,
    stop: loop.stop,
  };
}

/** Relays while the service runs. Goes after `database` in a service's mixins. */
export function outboxRelay(outbox: Outbox): Partial<ServiceSchema> {
  return { started: async () => outbox.start(), stopped: () => outbox.stop() };
}

function describe(
  platform: Platform,
  source: string,
  fact: EventDraft,
): Readonly<Record<string, unknown>> & { readonly event_id: string } {
  return {
    ...fact.data,
    event_id: fact.eventId ?? newId(platform.clock, platform.random),
    event_type: fact.type,
    source,
    schema_version: 1,
    user_id: fact.userId,
    ...(fact.tenantId !== undefined && { tenant_id: fact.tenantId }),
    timestamp: platform.clock.now().toISOString(),
    correlation_id: fact.correlationId,
  };
}

/** One relay per schema at a time: the lock is the transaction's, so whoever dies or hangs loses it. */
async function relayBatch(platform: Platform, db: Database, snapshot?: Snapshot): Promise<"more" | "idle"> {
  const streamId = snapshot ? await platform.events.streamId(snapshot.stream) : null;
  return db.transaction(async (tx) => {
    const [lock] = await tx.query<{ held: boolean }>(
      "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS held",
      [`usermesh-relay-${db.schema}`],
    );
    if (!lock?.held) return "idle";
    if (snapshot && streamId !== null && !(await keepAlive(platform, tx, () => snapshot.step(tx, streamId))))
      return "more";
    const rows = await tx.query<Row>(`${due(db.schema, "event")} UNION ALL ${due(db.schema, "job")} ORDER BY id`);
    if (rows.length === 0) return "idle";
    const done = await keepAlive(platform, tx, () => publishAll(platform, rows));
    await tx.query(`UPDATE ${db.schema}.outbox SET published_at = clock_timestamp() WHERE id = ANY($1::bigint[])`, [
      done,
    ]);
    return done.length >= BATCH ? "more" : "idle";
  });
}

/** A batch of each kind: while Redis is away, facts must not wait behind the work that waits for it. */
function due(schema: string, kind: Row["kind"]): string {
  return `(SELECT id, kind, user_id, body FROM ${schema}.outbox
           WHERE published_at IS NULL AND kind = '${kind}' ORDER BY id LIMIT ${BATCH})`;
}

/** Users side by side, each user's facts in order; one that fails holds back its user's later ones. */
async function publishAll(platform: Platform, rows: readonly Row[]): Promise<string[]> {
  const done: string[] = [];
  const lines = Map.groupBy(rows, (row) => `${row.kind} ${row.user_id}`);
  await Promise.all([...lines.values()].map((line) => publishInOrder(platform, line, done)));
  return done;
}

async function publishInOrder(platform: Platform, rows: readonly Row[], done: string[]): Promise<void> {
  for (const row of rows) {
    try {
      await publishRow(platform, row);
      done.push(row.id);
    } catch (error) {
      platform.log.warn(
        { outbox_id: row.id, kind: row.kind, error: (error as Error).message },
        "outbox entry relay failed, will be retried",
      );
      return;
    }
  }
}

async function publishRow(platform: Platform, row: Row): Promise<void> {
  if (row.kind === "event") return platform.events.publish(row.body as MeshEvent);
  const { queue, job } = row.body as { queue: string; job: Job };
  return platform.queues.add(queue, job);
}

/** A living relay keeps its transaction and with it the lock; a paused process loses both. */
function keepAlive<T>({ timers }: Platform, tx: Transaction, work: () => Promise<T>): Promise<T> {
  return withHeartbeat(timers, KEEP_ALIVE_MS, () => tx.query("SELECT 1"), work);
}

/** Runs `step` when woken, else every `ms`, never twice at once; a failure is met by the next turn. */
function createLoop(platform: Platform, ms: number, step: () => Promise<"more" | "idle">) {
  const stopping = new AbortController();
  let sleeping = new AbortController();
  let woken = false;
  let running: Promise<void> = Promise.resolve();
  const turn = async () => {
    woken = false;
    const outcome = await step().catch((error: Error) => {
      platform.log.warn({ error: error.message }, "outbox relay failed, will be retried");
      return "idle" as const;
    });
    if (outcome === "more" || woken || stopping.signal.aborted) return;
    sleeping = new AbortController();
    await platform.timers.sleep(ms, sleeping.signal).catch(() => undefined);
  };
  return {
    wake: () => {
      woken = true;
      sleeping.abort();
    },
    start: () => {
      running = (async () => {
        while (!stopping.signal.aborted) await turn();
      })();
    },
    stop: async () => {
      stopping.abort();
      sleeping.abort();
      await running;
    },
  };
}
