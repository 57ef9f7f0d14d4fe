import type { ConsumerMessages, NatsConnection } from "nats";
import { createFailureLog } from "../runtime/failure-log.ts";
import type { EventConsumer } from "../runtime/platform.ts";
import { withTimeout } from "../runtime/timeouts.ts";
import { Delivery } from "./event-log-delivery.ts";
import type { EventLogOptions, NatsLink } from "./event-log-options.ts";
import { ensureConsumer } from "./event-log-streams.ts";

const RESTART_MS = 500;
const STOP_TIMEOUT_MS = 10_000;
/** Messages this node holds at most. Small, because other nodes cannot take what a slow node holds. */
const MAX_MESSAGES = 32;

/** Reads a durable consumer until it is stopped, and resumes when NATS, the stream or the consumer was unavailable. */
export function startConsumer(
  link: NatsLink,
  consumer: EventConsumer,
  options: EventLogOptions,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const ended = AbortSignal.any([stopping.signal, link.closing]);
  const delivery = new Delivery(consumer, options);
  const failures = createFailureLog(options.log, options.clock);
  let messages: ConsumerMessages | undefined;
  const read = async (connection: NatsConnection): Promise<void> => {
    messages = await openMessages(connection, consumer, delivery);
    if (ended.aborted) messages.stop();
    const error = await messages.closed();
    if (error) throw error;
  };
  const loop = async (): Promise<void> => {
    const connection = await link.ready();
    while (!ended.aborted && !connection.isClosed()) {
      await read(connection).catch((error: Error) =>
        failures.warn(
          error.message,
          { consumer: consumer.name, error: error.message },
          "event consumption interrupted, will resume",
        ),
      );
      if (!ended.aborted) await options.timers.sleep(RESTART_MS, ended);
    }
  };
  const running = loop().catch(() => undefined);
  return {
    async stop() {
      stopping.abort();
      messages?.stop();
      await withTimeout(
        STOP_TIMEOUT_MS,
        running.then(() => delivery.idle()),
      );
    },
  };
}

async function openMessages(
  connection: NatsConnection,
  consumer: EventConsumer,
  delivery: Delivery,
): Promise<ConsumerMessages> {
  await ensureConsumer(await connection.jetstreamManager({ timeout: 2_000 }), consumer);
  const handle = await connection.jetstream().consumers.get(consumer.stream, consumer.name);
  return handle.consume({
    callback: (message) => delivery.receive(message),
    max_messages: MAX_MESSAGES,
    // Also the delay before the client pulls again after a failure.
    expires: 5_000,
    idle_heartbeat: 1_000,
    abort_on_missing_resource: true,
  });
}
