import type { NatsConnection } from "nats";
import type { Logger } from "pino";
import type { Clock, Timers } from "../runtime/clock.ts";

export interface EventLogOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Logger;
}

/** The log's connection to NATS. It reconnects by itself until the log is closed. */
export interface NatsLink {
  /** Resolves when there is a connection and the streams exist. Rejects once the log is closed. */
  ready(): Promise<NatsConnection>;
  readonly closing: AbortSignal;
}
