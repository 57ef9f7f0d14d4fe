import {
  connect,
  ErrorCode,
  Events,
  headers,
  type JetStreamClient,
  type JetStreamManager,
  type MsgHdrs,
  type NatsConnection,
  type NatsError,
} from "nats";
import { natsOptions } from "../runtime/nats-options.ts";
import type { ConsumerLag, EventConsumer, EventLog } from "../runtime/platform.ts";
import { retry } from "../runtime/retry.ts";
import { withTimeout } from "../runtime/timeouts.ts";
import { startConsumer } from "./event-log-consumer.ts";
import type { EventLogOptions } from "./event-log-options.ts";
import { purgeUser } from "./event-log-purge.ts";
import { consumerLags, ensureStreams, recreateStreams, streamCreatedAt } from "./event-log-streams.ts";
import { type MeshEvent, type StreamName, subjectOf } from "./events.ts";

const ACK_TIMEOUT_MS = 2_000;
const RETRY_MS = 500;
/** NATS's default of two seconds is too short: ten processes that start at once on two cores exceed it without any fault. */
const QUIET_MS = 10_000;
const CLOSE_TIMEOUT_MS = 2_000;

interface Streams {
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
}

/** The event log on NATS JetStream. NATS may start after this process and go away at any time. */
export class JetStreamLog implements EventLog {
  readonly embedded = false;
  readonly #options: EventLogOptions;
  readonly #closing = new AbortController();
  readonly #opening: Promise<NatsConnection>;
  readonly #consumers = new Set<EventConsumer>();
  readonly #stops = new Set<() => Promise<void>>();
  #connection: NatsConnection | undefined;
  #connected = false;
  /** Set once the streams exist. */
  #streams: Streams | undefined;
  #recreating: Promise<void> | undefined;

  constructor(natsUrl: string, options: EventLogOptions) {
    this.#options = options;
    this.#opening = this.#open(natsUrl);
    this.#opening.catch(() => undefined);
  }

  async publish(event: MeshEvent): Promise<void> {
    const { client, manager } = this.#reachableStreams();
    const payload = new TextEncoder().encode(JSON.stringify(event));
    try {
      const traced = event.traceparent === undefined ? {} : { headers: traceHeaders(event.traceparent) };
      await client.publish(subjectOf(event), payload, { msgID: messageId(event), timeout: ACK_TIMEOUT_MS, ...traced });
    } catch (error) {
      // Nobody accepts messages if the stream was lost. The outbox publishes the event again once it is recreated, which
      // is not waited for in the transaction of the outbox.
      if ((error as NatsError).code === ErrorCode.NoResponders) this.#recreate(manager).catch(() => undefined);
      throw error;
    }
  }

  async consume(consumer: EventConsumer): Promise<() => Promise<void>> {
    const link = { ready: () => this.#opening, closing: this.#closing.signal };
    const running = startConsumer(link, consumer, this.#options);
    this.#consumers.add(consumer);
    const stop = async () => {
      this.#stops.delete(stop);
      this.#consumers.delete(consumer);
      await running.stop();
    };
    this.#stops.add(stop);
    return stop;
  }

  async purgeUser(user: Pick<MeshEvent, "user_id" | "tenant_id">): Promise<boolean> {
    return purgeUser(this.#reachableStreams().manager, user);
  }

  async consumers(): Promise<readonly ConsumerLag[]> {
    return consumerLags(this.#reachableStreams().manager);
  }

  async streamId(name: StreamName): Promise<string | null> {
    if (!this.#streams || !this.#connected) return null;
    const { manager } = this.#streams;
    const existing = await streamCreatedAt(manager, name);
    if (existing === undefined) await this.#recreate(manager);
    const createdAt = existing ?? (await streamCreatedAt(manager, name));
    return createdAt === undefined ? null : `${name} ${createdAt}`;
  }

  async pending() {
    const { manager } = this.#reachableStreams();
    return Promise.all(
      [...this.#consumers].map(async ({ name, stream }) => {
        const { num_pending, num_ack_pending } = await manager.consumers.info(stream, name);
        return { consumer: name, events: num_pending + num_ack_pending };
      }),
    );
  }

  async isUp(): Promise<boolean> {
    const { manager } = this.#reachableStreams();
    await manager.getAccountInfo();
    return true;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#stops].map((stop) => stop()));
    // A drain waits for the server, without end while it is unavailable.
    if (this.#connected)
      await withTimeout(
        CLOSE_TIMEOUT_MS,
        this.#connection?.drain().catch(() => undefined),
      );
    await this.#connection?.close();
  }

  /** Once for all that miss a stream at the same time. */
  #recreate(manager: JetStreamManager): Promise<void> {
    this.#recreating ??= recreateStreams(manager, this.#options.timers, this.#closing.signal).finally(() => {
      this.#recreating = undefined;
    });
    return this.#recreating;
  }

  #reachableStreams(): Streams {
    if (!this.#streams || !this.#connected) throw new Error("NATS is unavailable");
    return this.#streams;
  }

  async #open(natsUrl: string): Promise<NatsConnection> {
    const { timers, log } = this.#options;
    const { signal } = this.#closing;
    const connection = await retry(() => this.#connect(natsUrl), {
      timers,
      delayMs: RETRY_MS,
      quietMs: QUIET_MS,
      signal,
      onFailure: (error) => log.warn({ error }, "NATS JetStream unavailable, waiting"),
    });
    this.#connection = connection;
    this.#connected = true;
    void this.#followStatus(connection);
    this.#streams = await retry(() => openStreams(connection), {
      timers,
      delayMs: RETRY_MS,
      quietMs: QUIET_MS,
      signal,
      onFailure: (error) => log.warn({ error }, "creating event streams failed, will be retried"),
    });
    return connection;
  }

  async #connect(natsUrl: string): Promise<NatsConnection> {
    const connection = await connect({ ...natsOptions(natsUrl), name: "usermesh-events" });
    if (this.#closing.signal.aborted) await connection.close();
    this.#closing.signal.throwIfAborted();
    return connection;
  }

  async #followStatus(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === Events.Disconnect) this.#connected = false;
      if (type === Events.Reconnect) this.#connected = true;
    }
    this.#connected = false;
  }
}

/** JetStream drops a repeated message id for an hour; a replay is meant to arrive. */
function messageId({ event_id, replay }: MeshEvent): string {
  return replay === undefined ? event_id : `${event_id}.${replay}`;
}

function traceHeaders(traceparent: string): MsgHdrs {
  const all = headers();
  all.set("traceparent", traceparent);
  return all;
}

async function openStreams(connection: NatsConnection): Promise<Streams> {
  const manager = await connection.jetstreamManager({ timeout: ACK_TIMEOUT_MS });
  await ensureStreams(manager);
  return { manager, client: connection.jetstream({ timeout: ACK_TIMEOUT_MS }) };
}
