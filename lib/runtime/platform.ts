import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import type { KeyRing } from "../crypto/key-ring.ts";
import type { MeshEvent, StreamName } from "../events/events.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { Clock, Random, Timers } from "./clock.ts";

/** What a node gives to every service it runs. A service file is a factory over it; nothing else is reached for. */
export interface Platform {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  readonly ring: KeyRing;
  readonly log: Logger;
  readonly events: EventLog;
  readonly queues: Queues;
  /** Connections that one service of this process may hold. */
  readonly poolSize: number;
  readonly metrics: Metrics;
  /** Mails of the embedded SMTP server, for `/dev/mail`; undefined where a real one delivers. */
  readonly mailbox?: DevMailbox | undefined;
}

/** A mail that the local SMTP server received. */
export interface Mail {
  readonly id: string;
  /** As the sender wrote it, with its angle brackets; empty where it wrote none. */
  readonly message_id: string;
  /** The address alone; the name is in `headers.from`. */
  readonly from: string;
  /** To whom it was really sent: the envelope's recipients. */
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** By lowercase name; one that stands there several times has a line for each. */
  readonly headers: Readonly<Record<string, string>>;
  /** ISO 8601, UTC. */
  readonly received_at: string;
}

export interface DevMailbox {
  /** Oldest first. */
  messages(): Promise<readonly Mail[]>;
  clear(): Promise<void>;
}

/** The durable log of facts: JetStream on the mesh, straight to the handlers in one process. */
export interface EventLog {
  /** Resolves when the event is safe: acknowledged by the stream, or handled by every consumer. */
  publish(event: MeshEvent): Promise<void>;
  /** Each event of the stream at least once to one node of `consumer`, again until the handler resolves. */
  consume(consumer: EventConsumer): Promise<() => Promise<void>>;
  /** Takes all of a user off the streams but `user.erased`. False as long as that has not arrived. */
  purgeUser(user: Pick<MeshEvent, "user_id" | "tenant_id">): Promise<boolean>;
  /** Which stream it is: another one once it was lost and made anew. Null where there is none, or it can't be reached. */
  streamId(stream: StreamName): Promise<string | null>;
  readonly embedded: boolean;
  close(): Promise<void>;
}

export interface EventConsumer {
  /** Durable name, one for all nodes of a service: `auth-users`. */
  readonly name: string;
  readonly stream: StreamName;
  readonly types: ReadonlyArray<MeshEvent["event_type"]>;
  handle(event: MeshEvent): Promise<void>;
}

/** Each has a worker. */
export const queueNames = ["mail", "push", "maintenance"] as const;
export type QueueName = (typeof queueNames)[number];

/** Work that must be done: BullMQ on Redis, or on PostgreSQL where there is no Redis. */
export interface Queues {
  /** A job of an id that is there already, or was in the last day, is not added again. */
  add(queue: string, job: Job): Promise<void>;
  /** Makes `name` due every `everyMs`, once on the whole mesh. */
  schedule(queue: string, name: string, everyMs: number): Promise<void>;
  work(queue: string, options: WorkerOptions): Promise<RunningWorker>;
  counts(queue: string): Promise<Record<string, number>>;
  /** The dead letters, latest first. */
  failed(queue: string, limit: number): Promise<FailedJob[]>;
  /** A dead letter gets all its attempts again. False where there is no such one. */
  retry(queue: string, id: string): Promise<boolean>;
  /** A dead letter is gone for good. False where there is no such one. */
  remove(queue: string, id: string): Promise<boolean>;
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
  handle(job: Job & { readonly attempt: number }): Promise<void>;
}

export interface RunningWorker {
  close(): Promise<void>;
}

/** Thrown by a job handler: give the job back without spending an attempt, and take no job of this queue for so long. */
export class PauseQueue extends Error {
  readonly ms: number;
  constructor(ms: number) {
    super(`Paused for ${ms} ms`);
    this.ms = ms;
  }
}

/** Thrown by a job handler: no repeat can help, keep the job with the dead letters. */
export class DeadLetter extends Error {}
