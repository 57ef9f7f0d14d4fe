import type { Logger } from "pino";
import type { Clock, Timers } from "../runtime/clock.ts";
import type { EventLog } from "../runtime/platform.ts";
import { openJetStreamLog } from "./event-log-jetstream.ts";
import { openLocalLog } from "./event-log-local.ts";

export interface EventLogOptions {
  /** Unset: events go from the outbox straight to the handlers of this process. */
  readonly natsUrl: string | undefined;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Logger;
}

/** Does not wait for NATS: a log that can't reach it refuses events, and the outbox keeps them. */
export async function openEventLog(options: EventLogOptions): Promise<EventLog> {
  const { natsUrl } = options;
  return natsUrl === undefined ? openLocalLog() : openJetStreamLog({ ...options, natsUrl });
}
