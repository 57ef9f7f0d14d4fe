import type { EventLog } from "../runtime/platform.ts";
import { JetStreamLog } from "./event-log-jetstream.ts";
import { openLocalLog } from "./event-log-local.ts";
import type { EventLogOptions } from "./event-log-options.ts";

/**
 * Does not wait for NATS: while it is unavailable the log rejects events, and the outbox keeps them. Without `natsUrl`
 * events go from the outbox straight to the handlers of this process.
 */
export function openEventLog(natsUrl: string | undefined, options: EventLogOptions): EventLog {
  return natsUrl === undefined ? openLocalLog() : new JetStreamLog(natsUrl, options);
}
