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
import type { EventConsumer } from "../runtime/platform.ts";
import type { StreamName } from "./events.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

type Ours = Pick<StreamConfig, "name" | "subjects" | "max_age" | "duplicate_window">;

const streams: readonly Ours[] = [
  // A consumer that starts later begins with the first fact ever: no age limit. What an erasure takes away is purged.
  { name: "USERS", subjects: ["users.v1.>"], max_age: 0, duplicate_window: nanos(HOUR_MS) },
  { name: "SESSIONS", subjects: ["sessions.v1.>"], max_age: nanos(30 * DAY_MS), duplicate_window: nanos(HOUR_MS) },
];

/** What a killed node had in hand goes to a sibling after this; a living one says that it is still at it. */
const ACK_WAIT_MS = 5_000;
/** Handed out and not yet acknowledged, over all nodes of a consumer. */
const MAX_ACK_PENDING = 256;

/** From any number of nodes at once. What an operator has set beyond our fields (replicas, limits) stays. */
export async function ensureStreams(manager: JetStreamManager): Promise<void> {
  for (const ours of streams) await ensureStream(manager, ours);
}

/** When the stream was made; it is made on the spot where it was lost. */
export async function streamCreatedAt(manager: JetStreamManager, name: StreamName): Promise<string> {
  const existing = await orNone(manager.streams.info(name));
  if (existing) return existing.created;
  await ensureStreams(manager);
  return (await manager.streams.info(name)).created;
}

async function ensureStream(manager: JetStreamManager, ours: Ours): Promise<void> {
  const existing = await orNone(manager.streams.info(ours.name));
  if (!existing) {
    await orOtherNodes(
      manager.streams.add({
        ...ours,
        storage: StorageType.File,
        retention: RetentionPolicy.Limits,
        allow_direct: true,
        deny_purge: false,
        deny_delete: false,
      }),
    );
    return;
  }
  if (!holds(existing.config, ours)) await manager.streams.update(ours.name, { ...existing.config, ...ours });
}

export async function ensureConsumer(manager: JetStreamManager, { name, stream }: EventConsumer): Promise<void> {
  const ours = {
    ack_wait: nanos(ACK_WAIT_MS),
    max_deliver: -1,
    max_ack_pending: MAX_ACK_PENDING,
  };
  const existing = await orNone(manager.consumers.info(stream, name));
  if (!existing) {
    const fixed: Partial<ConsumerConfig> = {
      durable_name: name,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
    };
    await orOtherNodes(manager.consumers.add(stream, { ...fixed, ...ours }));
    return;
  }
  if (!holds(existing.config, ours)) await manager.consumers.update(stream, name, ours);
}

function holds(config: object, ours: object): boolean {
  return Object.entries(ours).every(
    ([key, value]) => JSON.stringify((config as Record<string, unknown>)[key]) === JSON.stringify(value),
  );
}

async function orNone<T>(lookup: Promise<T>): Promise<T | undefined> {
  try {
    return await lookup;
  } catch (error) {
    if (apiCode(error) === STREAM_NOT_FOUND || apiCode(error) === CONSUMER_NOT_FOUND) return undefined;
    throw error;
  }
}

/** Another node made it between our look and our call. */
async function orOtherNodes(making: Promise<unknown>): Promise<void> {
  await making.catch((error) => {
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
