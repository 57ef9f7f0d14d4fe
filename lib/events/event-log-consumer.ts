import type { ConsumerMessages, NatsConnection } from "nats";
import type { EventConsumer } from "../runtime/platform.ts";
import { withTimeout } from "../runtime/with-timeout.ts";
import type { EventLogOptions } from "./event-log.ts";
import { createDelivery, type Delivery } from "./event-log-delivery.ts";
import type { Link } from "./event-log-jetstream.ts";
import { ensureConsumer } from "./event-log-streams.ts";

type Options = Omit<EventLogOptions, "natsUrl">;

const RESTART_MS = 500;
const STOP_MS = 10_000;
/** Held by this node at most. Few: what a slow node holds, its siblings can't take. */
const BATCH = 32;

/** Reads a durable consumer until it is stopped, whatever becomes of NATS, the stream or the consumer meanwhile. */
export function startConsumer(link: Link, consumer: EventConsumer, options: Options): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const ended = AbortSignal.any([stopping.signal, link.closing]);
  const delivery = createDelivery(consumer, options);
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
        options.log.warn(
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
        STOP_MS,
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
    callback: delivery.take,
    max_messages: BATCH,
    // Also how long the client waits until it looks again after a failure.
    expires: 5_000,
    idle_heartbeat: 1_000,
    abort_on_missing_resource: true,
  });
}
