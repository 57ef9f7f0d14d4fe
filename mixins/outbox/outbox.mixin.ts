import type { ServiceSchema } from "moleculer";
import type { EventType } from "../../lib/events/events.ts";
import { createFailureLog } from "../../lib/runtime/failure-log.ts";
import { newId } from "../../lib/runtime/ids.ts";
import type { Job, Platform, QueueName } from "../../lib/runtime/platform.ts";
import type { Database, Transaction } from "../database/database.mixin.ts";
import { readBacklog } from "./outbox-backlog.ts";
import { createRelayLoop, relayBatch, type Snapshot } from "./outbox-relay.ts";

/** Events and jobs of one service, stored in the transaction that causes them and relayed after its commit. */
export interface Outbox {
  /** Records an event about a user. Resolves to the event's id. */
  append(tx: Transaction, event: NewEvent): Promise<string>;
  /** The same for many events in one statement. */
  appendAll(tx: Transaction, events: readonly NewEvent[]): Promise<void>;
  /** Number of events and jobs that are not relayed yet, counted up to `max`. */
  countPending(max: number): Promise<number>;
  /** The body of an event that a database function of the service appends in its own statement. Call `wake` afterwards. */
  buildEvent(event: EventDraft): Readonly<Record<string, unknown>>;
  /** Starts relaying without waiting for the next poll. */
  wake(): void;
  /** Adds a job. Its data contain ids only, never a secret or an email address. */
  enqueue(tx: Transaction, job: NewJob): Promise<void>;
  /** Relays everything pending; resolves when there is no more, or the rest could not be relayed. */
  relay(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

export interface NewEvent {
  readonly type: EventType;
  readonly userId: string;
  readonly tenantId: string;
  readonly correlationId: string;
  /** Chosen by the caller if a call to another service has the same effect as the event, once per event id. */
  readonly eventId?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Some database functions read the tenant themselves. */
export type EventDraft = Omit<NewEvent, "tenantId"> & Partial<Pick<NewEvent, "tenantId">>;

export interface NewJob {
  readonly queue: QueueName;
  readonly job: Job;
  readonly userId: string;
}

const POLL_MS = 250;

export function createOutbox(platform: Platform, db: Database, source: string, snapshot?: Snapshot): Outbox {
  const { schema } = db;
  const failures = createFailureLog(platform.log.child({ service: source }), platform.clock);
  const relayOnce = (isWoken = false) => relayBatch(platform, db, failures, { snapshot, isWoken });
  const loop = createRelayLoop(platform, failures, POLL_MS, relayOnce);
  reportBacklog(platform, db, source);
  const build = (event: EventDraft) => buildEvent(platform, source, event);
  return {
    async append(tx, event) {
      const body = build(event);
      await tx.query(`SELECT ${schema}.append_event($1, $2, $3)`, [body.event_id, event.userId, JSON.stringify(body)]);
      tx.afterCommit(loop.wake);
      return body.event_id;
    },
    async appendAll(tx, events) {
      await tx.query(
        `SELECT ${schema}.append_event((e ->> 'event_id')::uuid, (e ->> 'user_id')::uuid, e)
         FROM jsonb_array_elements($1::jsonb) AS e`,
        [JSON.stringify(events.map(build))],
      );
      tx.afterCommit(loop.wake);
    },
    async countPending(max) {
      const sql = `SELECT count(*)::int AS n FROM
        (SELECT FROM ${schema}.outbox WHERE published_at IS NULL LIMIT $1) AS found`;
      return (await db.query<{ n: number }>(sql, [max]))[0]?.n ?? 0;
    },
    buildEvent: build,
    async enqueue(tx, { queue, job, userId }) {
      const sql = `INSERT INTO ${schema}.outbox (kind, event_id, user_id, body) VALUES ('job', $1, $2, $3) ON CONFLICT (event_id) DO NOTHING`;
      const traceparent = platform.tracing?.current();
      await tx.query(sql, [job.id, userId, JSON.stringify({ queue, job, traceparent })]);
      tx.afterCommit(loop.wake);
    },
    async relay() {
      while ((await relayOnce()) === "more");
    },
    ...loop,
  };
}

function reportBacklog({ metrics }: Platform, db: Database, service: string): void {
  metrics.report("outbox_pending", async () => [[{ service }, (await readBacklog(db)).pending]]);
  metrics.report("outbox_oldest_seconds", async () => [[{ service }, (await readBacklog(db)).oldest_seconds ?? 0]]);
}

/** Relays while the service runs. Goes after `database` in a service's mixins. */
export function outboxRelay(outbox: Outbox): Partial<ServiceSchema> {
  return { started: async () => outbox.start(), stopped: () => outbox.stop() };
}

function buildEvent({ clock, random, tracing }: Platform, source: string, event: EventDraft) {
  const { type, userId, tenantId, correlationId, eventId, data } = event;
  const traceparent = tracing?.current();
  return {
    ...data,
    event_id: eventId ?? newId(clock, random),
    event_type: type,
    source,
    schema_version: 1,
    user_id: userId,
    ...(tenantId !== undefined && { tenant_id: tenantId }),
    timestamp: clock.now().toISOString(),
    correlation_id: correlationId,
    ...(traceparent !== undefined && { traceparent }),
  };
}
