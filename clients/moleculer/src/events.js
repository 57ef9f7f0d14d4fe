import { setTimeout as delay } from "node:timers/promises";
import { AckPolicy, DeliverPolicy, nanos } from "nats";

/** Events that a killed process had received go to another one after this time; a running process keeps extending it. */
const ACK_WAIT_MS = 10_000;
const RENEW_MS = 3_000;
/** The most events that are received and not yet handled. Few, because other processes cannot take those of a slow one. */
const MAX_MESSAGES = 32;
const RESTART_MS = 500;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 60_000;
const CONSUMER_EXISTS = 10_148;

/**
 * Hands each event of a stream to `handle`, from the first one ever recorded, and acknowledges it when `handle` has resolved.
 * A user's events are handled in order, those of different users concurrently. Continues after an outage of NATS.
 */
export async function startConsumer(connection, options) {
  const {
    name,
    stream = "USERS",
    durable = `${name}-${stream.toLowerCase()}`,
    handle,
    onError = reportError,
  } = options;
  await ensureConsumer(connection, stream, durable);
  const stopping = new AbortController();
  const delivery = createDelivery({ handle, onError, signal: stopping.signal });
  let messages;
  const read = async () => {
    await ensureConsumer(connection, stream, durable);
    const consumer = await connection.jetstream().consumers.get(stream, durable);
    messages = await consumer.consume({
      callback: delivery.receive,
      max_messages: MAX_MESSAGES,
      expires: 5_000,
      idle_heartbeat: 1_000,
      abort_on_missing_resource: true,
    });
    if (stopping.signal.aborted) messages.stop();
    const error = await messages.closed();
    if (error) throw error;
  };
  const loop = async () => {
    while (!stopping.signal.aborted && !connection.isClosed()) {
      await read().catch((error) => onError(error, null));
      await delay(RESTART_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const running = loop();
  return {
    /** Resolves when the events that are being handled are done. Those that only wait go to another process. */
    async stop() {
      stopping.abort();
      messages?.stop();
      await running;
      await delivery.idle();
    },
  };
}

/** All processes with the same `durable` share its events. */
async function ensureConsumer(connection, stream, durable) {
  const manager = await connection.jetstreamManager();
  const config = {
    durable_name: durable,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: nanos(ACK_WAIT_MS),
    max_deliver: -1,
  };
  await manager.consumers.add(stream, config).catch((error) => {
    if (error.api_error?.err_code !== CONSUMER_EXISTS) throw error;
  });
}

function createDelivery({ handle, onError, signal }) {
  /** For each user, a promise that resolves when the last received event about them is handled. */
  const tails = new Map();
  const received = new Set();
  const renewal = setInterval(() => {
    for (const message of received) message.working();
  }, RENEW_MS);

  const deliver = async (event, message) => {
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      const error = await attemptToHandle(handle, event);
      if (error === undefined) return message.ack();
      onError(error, event);
      const pause = Math.min(FIRST_RETRY_MS * 2 ** (attempt - 1), MAX_RETRY_MS);
      await delay(pause, undefined, { signal }).catch(() => undefined);
    }
    message.nak();
  };

  return {
    receive(message) {
      const event = parse(message);
      // Delivering it again would not make it readable, and it must not block the events after it.
      if (event === undefined) {
        onError(new Error(`Message ${message.seq} is not JSON and is dropped.`), null);
        return message.term();
      }
      received.add(message);
      const tail = (tails.get(event.user_id) ?? Promise.resolve()).then(() => deliver(event, message));
      tails.set(event.user_id, tail);
      tail.then(() => {
        received.delete(message);
        if (tails.get(event.user_id) === tail) tails.delete(event.user_id);
      });
    },
    async idle() {
      while (tails.size > 0) await Promise.all(tails.values());
      clearInterval(renewal);
    },
  };
}

function parse(message) {
  try {
    return message.json();
  } catch {
    return undefined;
  }
}

async function attemptToHandle(handle, event) {
  try {
    await handle(event);
    return undefined;
  } catch (error) {
    return error ?? new Error("The handler failed without an error.");
  }
}

function reportError(error, event) {
  const what = event ? `${event.event_type} ${event.event_id}: ${error.message}; will try again` : error.message;
  process.emitWarning(what, "UsermeshEvents");
}
