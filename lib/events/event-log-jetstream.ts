import {
  connect,
  ErrorCode,
  Events,
  type JetStreamClient,
  type JetStreamManager,
  type NatsConnection,
  type NatsError,
} from "nats";
import { natsOptions } from "../runtime/nats-options.ts";
import type { EventLog } from "../runtime/platform.ts";
import { withTimeout } from "../runtime/with-timeout.ts";
import type { EventLogOptions } from "./event-log.ts";
import { startConsumer } from "./event-log-consumer.ts";
import { purgeUser } from "./event-log-purge.ts";
import { ensureStreams, streamCreatedAt } from "./event-log-streams.ts";
import { type MeshEvent, subjectOf } from "./events.ts";

const ACK_TIMEOUT_MS = 2_000;
const RETRY_MS = 500;
const CLOSE_MS = 2_000;

/** Our connection as long as it is closed; it comes back by itself. */
export interface Link {
  /** Resolves when there is a connection and the streams exist. Rejects once the log is closed. */
  ready(): Promise<NatsConnection>;
  readonly closing: AbortSignal;
}

type Options = Omit<EventLogOptions, "natsUrl"> & { readonly natsUrl: string };

export function openJetStreamLog(options: Options): EventLog {
  const closing = new AbortController();
  let current: NatsConnection | undefined;
  let connected = false;
  let stream: JetStreamClient | undefined;
  let manager: JetStreamManager | undefined;
  const opening = connectWithRetry(options, closing.signal).then(async (connection) => {
    current = connection;
    connected = true;
    void follow(connection, (state) => {
      connected = state;
    });
    manager = await ensureWithRetry(connection, options, closing.signal);
    stream = connection.jetstream({ timeout: ACK_TIMEOUT_MS });
    return connection;
  });
  opening.catch(() => undefined);
  const stops = new Set<() => Promise<void>>();
  return {
    embedded: false,
    async publish(event) {
      if (!stream || !manager || !connected) throw new Error("NATS is unavailable");
      const sending = stream.publish(subjectOf(event), encode(event), {
        msgID: event.event_id,
        timeout: ACK_TIMEOUT_MS,
      });
      await sending.catch(orMakeStreams(manager));
    },
    async consume(consumer) {
      const running = startConsumer({ ready: () => opening, closing: closing.signal }, consumer, options);
      const stop = async () => {
        stops.delete(stop);
        await running.stop();
      };
      stops.add(stop);
      return stop;
    },
    async purgeUser(user) {
      if (!manager || !connected) throw new Error("NATS is unavailable");
      return purgeUser(manager, user);
    },
    async streamId(name) {
      if (!manager || !connected) return null;
      return `${name} ${await streamCreatedAt(manager, name)}`;
    },
    async close() {
      closing.abort();
      await Promise.all([...stops].map((stop) => stop()));
      if (current) await closeInTime(current, connected);
    },
  };
}

/** NATS may start after us. */
async function connectWithRetry({ natsUrl, timers, log }: Options, closing: AbortSignal): Promise<NatsConnection> {
  let said = "";
  for (;;) {
    closing.throwIfAborted();
    try {
      const connection = await connect({ ...natsOptions(natsUrl), name: "usermesh-events" });
      if (!closing.aborted) return connection;
      await connection.close();
    } catch (error) {
      const { message } = error as Error;
      if (message !== said && !closing.aborted) log.warn({ error: message }, "NATS JetStream unavailable, waiting");
      said = message;
      await timers.sleep(RETRY_MS, closing);
    }
  }
}

async function ensureWithRetry(
  connection: NatsConnection,
  { timers, log }: Options,
  closing: AbortSignal,
): Promise<JetStreamManager> {
  for (;;) {
    try {
      const manager = await connection.jetstreamManager({ timeout: ACK_TIMEOUT_MS });
      await ensureStreams(manager);
      return manager;
    } catch (error) {
      log.warn({ error: (error as Error).message }, "creating event streams failed, will be retried");
      await timers.sleep(RETRY_MS, closing);
    }
  }
}

/** Nobody takes a message where the stream was lost: it is made anew, and what could not be published comes again. */
function orMakeStreams(manager: JetStreamManager): (error: NatsError) => Promise<never> {
  return async (error) => {
    if (error.code === ErrorCode.NoResponders) await ensureStreams(manager);
    throw error;
  };
}

async function follow(connection: NatsConnection, tell: (connected: boolean) => void): Promise<void> {
  for await (const { type } of connection.status()) {
    if (type === Events.Disconnect) tell(false);
    if (type === Events.Reconnect) tell(true);
  }
  tell(false);
}

/** A drain waits for the server; while it is away, for ever. */
async function closeInTime(connection: NatsConnection, connected: boolean): Promise<void> {
  if (connected)
    await withTimeout(
      CLOSE_MS,
      connection.drain().catch(() => undefined),
    );
  await connection.close();
}

function encode(event: MeshEvent): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(event));
}
