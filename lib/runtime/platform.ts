import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import type { KeyRing } from "../crypto/key-ring.ts";
import type { MeshEvent, StreamName } from "../events/events.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { Tracing } from "../observability/tracing.ts";
import type { Clock, Random, Timers } from "./clock.ts";
import type { HealthChecks } from "./health-checks.ts";

/** Dependencies that a node passes to each of its services. Services import no singletons. */
export interface Platform {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  readonly ring: KeyRing;
  readonly log: Logger;
  readonly events: EventLog;
  readonly queues: Queues;
  /** Maximum database connections of one service of this process. */
  readonly poolSize: number;
  readonly metrics: Metrics;
  readonly health: HealthChecks;
  /** Undefined without OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly tracing?: Tracing | undefined;
  /** Mails of the embedded SMTP server, for `/dev/mail`; undefined where a real one delivers. */
  readonly mailbox?: DevMailbox | undefined;
}

/** A mail that the local SMTP server received. */
export interface Mail {
  readonly id: string;
  /** Includes the angle brackets; empty if the sender set none. */
  readonly message_id: string;
  /** The address without the name, which is in `headers.from`. */
  readonly from: string;
  /** The envelope's recipients. */
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** By lowercase name; repeated headers are joined by line breaks. */
  readonly headers: Readonly<Record<string, string>>;
  /** ISO 8601, UTC. */
  readonly received_at: string;
}

export interface DevMailbox {
  /** Oldest first. */
  messages(): Promise<readonly Mail[]>;
  clear(): Promise<void>;
}

/** The durable event log: JetStream on the mesh, direct calls of the handlers in one process. */
export interface EventLog {
  /** Resolves when the event is acknowledged by the stream or, in one process, handled by every consumer. */
  publish(event: MeshEvent): Promise<void>;
  /** Delivers each event of the stream to one node of `consumer` until the handler resolves, so at least once. */
  consume(consumer: EventConsumer): Promise<() => Promise<void>>;
  /** Deletes all events of a user except `user.erased`. False as long as that one has not arrived. */
  purgeUser(user: Pick<MeshEvent, "user_id" | "tenant_id">): Promise<boolean>;
  /** The events that each durable consumer has not handled yet. Empty in one process. */
  consumers(): Promise<readonly ConsumerLag[]>;
  /** Identifies the stream; changes if the stream was lost and recreated. Null in one process, and while NATS or the stream is unavailable. */
  streamId(stream: StreamName): Promise<string | null>;
  /** The events that each consumer of this node has not handled yet. Empty in one process. */
  pending(): Promise<ReadonlyArray<{ readonly consumer: string; readonly events: number }>>;
  /** Whether the server answers; true in one process. */
  isUp(): Promise<boolean>;
  readonly embedded: boolean;
  close(): Promise<void>;
}

export interface ConsumerLag {
  readonly name: string;
  readonly stream: StreamName;
  /** Events that no node has received yet. */
  readonly pending: number;
  /** Events that a node has received and not acknowledged. */
  readonly unacknowledged: number;
  /** Events among them that were delivered before. */
  readonly redelivered: number;
}

export interface EventConsumer {
  /** Durable name, shared by all nodes of a service: `auth-users`. */
  readonly name: string;
  readonly stream: StreamName;
  readonly types: ReadonlyArray<MeshEvent["event_type"]>;
  handle(event: MeshEvent): Promise<void>;
}

/** Each queue has its own worker service. */
export const queueNames = ["mail", "push", "webhooks", "pictures", "maintenance"] as const;
export type QueueName = (typeof queueNames)[number];

/** Durable jobs: BullMQ on Redis, or on PostgreSQL without Redis. */
export interface Queues {
  /** Ignored if a job with this id exists or was completed within the last day. */
  add(queue: string, job: Job): Promise<void>;
  /** Runs job `name` every `everyMs`, once on the whole mesh. */
  schedule(queue: string, name: string, everyMs: number): Promise<void>;
  work(queue: string, options: WorkerOptions): Promise<RunningWorker>;
  counts(queue: string): Promise<Record<string, number>>;
  /** Dead letters, newest first. */
  failed(queue: string, limit: number): Promise<FailedJob[]>;
  /** Retries a dead letter with all its attempts. False if there is none with this id. */
  retry(queue: string, id: string): Promise<boolean>;
  /** Deletes a dead letter. False if there is none with this id. */
  remove(queue: string, id: string): Promise<boolean>;
  /** Whether the store is connected. */
  isUp(): boolean;
  readonly embedded: boolean;
  close(): Promise<void>;
}

export interface Job {
  readonly id: string;
  readonly name: string;
  readonly data: unknown;
}

export interface FailedJob extends Job {
  readonly attempts: number;
  readonly reason: string;
  readonly failed_at: string;
}

export interface WorkerOptions {
  readonly concurrency: number;
  handle(job: RunningJob): Promise<void>;
}

export interface RunningJob extends Job {
  /** From 1. */
  readonly attempt: number;
  /** If this attempt fails too, the job becomes a dead letter. */
  readonly isLastAttempt: boolean;
}

export interface RunningWorker {
  close(): Promise<void>;
}

/** Thrown by a job handler: returns the job without using an attempt, and pauses the queue for `ms`. */
export class PauseQueue extends Error {
  readonly ms: number;
  constructor(ms: number) {
    super(`Paused for ${ms} ms`);
    this.ms = ms;
  }
}

/** Thrown by a job handler: runs the job again after `ms`, without using an attempt. */
export class Postpone extends Error {
  readonly ms: number;
  constructor(ms: number) {
    super(`Postponed for ${ms} ms`);
    this.ms = ms;
  }
}

/** Thrown by a job handler: a retry cannot succeed, so the job becomes a dead letter immediately. */
export class DeadLetter extends Error {}
