import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  type JetStreamManager,
  type NatsError,
  nanos,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "nats";
import type { Timers } from "../runtime/clock.ts";
import type { ConsumerLag, EventConsumer } from "../runtime/platform.ts";
import type { StreamName } from "./events.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

type StreamSettings = Pick<StreamConfig, "name" | "subjects" | "max_age" | "duplicate_window">;

const streams: readonly StreamSettings[] = [
  // No age limit: a consumer added later starts with the first event ever recorded. Erased users are purged.
  { name: "USERS", subjects: ["users.v1.>"], max_age: 0, duplicate_window: nanos(HOUR_MS) },
  { name: "SESSIONS", subjects: ["sessions.v1.>"], max_age: nanos(30 * DAY_MS), duplicate_window: nanos(HOUR_MS) },
];

/** Messages of a killed node are redelivered to another one after this time; a living node renews it. */
const ACK_WAIT_MS = 5_000;
/** A tenth of a second was enough on two busy cores; the files of a large stream take longer. */
const DELETION_MS = 3_000;
/** Unacknowledged messages over all nodes of a consumer. */
const MAX_ACK_PENDING = 256;

/** Safe from many nodes at once. Keeps what an operator has set beyond our fields (replicas, limits). */
export async function ensureStreams(manager: JetStreamManager): Promise<void> {
  for (const settings of streams) await ensureStream(manager, settings);
}

/**
 * Creates streams that were lost. NATS reports a stream as not found before it has deleted the stream's files, and then
 * deletes those of a new stream of the same name as well: of 300 streams that were created at once, 127 lost messages
 * that had been acknowledged (NATS 2.9.10), and some accepted no message at all.
 */
export async function recreateStreams(manager: JetStreamManager, timers: Timers, signal: AbortSignal): Promise<void> {
  await timers.sleep(DELETION_MS, signal);
  await ensureStreams(manager);
}

/** Creation time of the stream, if it exists. */
export async function streamCreatedAt(manager: JetStreamManager, name: StreamName): Promise<string | undefined> {
  return (await findOrNone(manager.streams.info(name)))?.created;
}

export async function consumerLags(manager: JetStreamManager): Promise<ConsumerLag[]> {
  const found = await Promise.all(
    streams.map(async ({ name }) => {
      const consumers = await manager.consumers.list(name).next();
      return consumers.map((one) => ({
        name: one.name,
        stream: name as StreamName,
        pending: one.num_pending,
        unacknowledged: one.num_ack_pending,
        redelivered: one.num_redelivered,
      }));
    }),
  );
  return found.flat();
}

async function ensureStream(manager: JetStreamManager, settings: StreamSettings): Promise<void> {
  const existing = await findOrNone(manager.streams.info(settings.name));
  if (!existing) {
    await ignoreExisting(
      manager.streams.add({
        ...settings,
        storage: StorageType.File,
        retention: RetentionPolicy.Limits,
        allow_direct: true,
        deny_purge: false,
        deny_delete: false,
      }),
    );
    return;
  }
  if (!hasSettings(existing.config, settings))
    await manager.streams.update(settings.name, { ...existing.config, ...settings });
}

export async function ensureConsumer(manager: JetStreamManager, { name, stream }: EventConsumer): Promise<void> {
  const settings = {
    ack_wait: nanos(ACK_WAIT_MS),
    max_deliver: -1,
    max_ack_pending: MAX_ACK_PENDING,
  };
  const existing = await findOrNone(manager.consumers.info(stream, name));
  if (!existing) {
    const fixed: Partial<ConsumerConfig> = {
      durable_name: name,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
    };
    await ignoreExisting(manager.consumers.add(stream, { ...fixed, ...settings }));
    return;
  }
  if (!hasSettings(existing.config, settings)) await manager.consumers.update(stream, name, settings);
}

function hasSettings(config: object, settings: object): boolean {
  return Object.entries(settings).every(
    ([key, value]) => JSON.stringify((config as Record<string, unknown>)[key]) === JSON.stringify(value),
  );
}

async function findOrNone<T>(lookup: Promise<T>): Promise<T | undefined> {
  try {
    return await lookup;
  } catch (error) {
    if (apiCode(error) === STREAM_NOT_FOUND || apiCode(error) === CONSUMER_NOT_FOUND) return undefined;
    throw error;
  }
}

/** Another node may have created it since we looked. */
async function ignoreExisting(creation: Promise<unknown>): Promise<void> {
  await creation.catch((error) => {
    if (apiCode(error) !== STREAM_NAME_IN_USE && apiCode(error) !== CONSUMER_EXISTS) throw error;
  });
}

// https://github.com/nats-io/nats-server/blob/main/server/errors.json
const STREAM_NOT_FOUND = 10_059;
const CONSUMER_NOT_FOUND = 10_014;
const STREAM_NAME_IN_USE = 10_058;
const CONSUMER_EXISTS = 10_148;

function apiCode(error: unknown): number | undefined {
  return (error as NatsError).api_error?.err_code;
}
