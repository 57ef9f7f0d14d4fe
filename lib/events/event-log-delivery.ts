import type { JsMsg } from "nats";
import { createBulkhead } from "../runtime/bulkhead.ts";
import type { EventConsumer } from "../runtime/platform.ts";
import type { EventLogOptions } from "./event-log.ts";
import { MeshEvent } from "./events.ts";

type Options = Omit<EventLogOptions, "natsUrl">;

const CONCURRENCY = 16;
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 60_000;
/** So much later than the event that failed, that the server hands that out first. */
const BEHIND_MS = 50;
/** Another node may have got the event that failed: we don't wait for it for ever. */
const TIMEOUT_MS = 2_000;
/** Well below the time after which the server takes a node for dead and hands its messages to a sibling. */
const RENEW_MS = 2_000;

/** An event that failed: what came after it for the same user waits until it has had another turn. */
interface HeldBack {
  readonly seq: number;
  /** When it comes again, in milliseconds of the monotonic clock. */
  readonly due: number;
}

export interface Delivery {
  take(message: JsMsg): void;
  /** Resolves when nothing is being handled. */
  idle(): Promise<void>;
}

/** Hands messages to the handler: one user's in order, those of different users side by side. */
export function createDelivery(consumer: EventConsumer, { clock, timers, log }: Options): Delivery {
  const bulkhead = createBulkhead({ concurrency: CONCURRENCY, queue: Number.POSITIVE_INFINITY });
  const tails = new Map<string, Promise<void>>();
  const heldBack = new Map<string, HeldBack>();
  const inHand = new Set<JsMsg>();
  let renewing = false;

  return {
    take(message) {
      const event = parse(message);
      if (!event) return refuse(message);
      if (!consumer.types.includes(event.event_type)) return message.ack();
      hold(message);
      const tail = (tails.get(event.user_id) ?? Promise.resolve()).then(() => deliver(event, message));
      tails.set(event.user_id, tail);
      void tail.then(() => {
        inHand.delete(message);
        if (tails.get(event.user_id) === tail) tails.delete(event.user_id);
      });
    },
    async idle() {
      while (tails.size > 0) await Promise.all(tails.values());
    },
  };

  function hold(message: JsMsg): void {
    inHand.add(message);
    if (renewing) return;
    renewing = true;
    timers.after(RENEW_MS, renew);
  }

  function renew(): void {
    renewing = inHand.size > 0;
    if (!renewing) return;
    for (const message of inHand) message.working();
    timers.after(RENEW_MS, renew);
  }

  async function deliver(event: MeshEvent, message: JsMsg): Promise<void> {
    const wait = waitOf(event.user_id, message.seq);
    if (wait > 0) return message.nak(wait);
    try {
      await bulkhead(() => consumer.handle(event));
      message.ack();
      if (heldBack.get(event.user_id)?.seq === message.seq) heldBack.delete(event.user_id);
    } catch (error) {
      giveBack(event, message, error as Error);
    }
  }

  function waitOf(userId: string, seq: number): number {
    const failed = heldBack.get(userId);
    if (!failed || seq <= failed.seq) return 0;
    const now = clock.monotonic();
    if (now < failed.due + TIMEOUT_MS) return Math.max(Math.ceil(failed.due - now), 0) + BEHIND_MS;
    heldBack.delete(userId);
    return 0;
  }

  function giveBack(event: MeshEvent, message: JsMsg, error: Error): void {
    const delay = Math.min(FIRST_DELAY_MS * 2 ** (message.info.deliveryCount - 1), MAX_DELAY_MS);
    log.warn(
      {
        consumer: consumer.name,
        event_id: event.event_id,
        event_type: event.event_type,
        correlation_id: event.correlation_id,
        again_in_ms: delay,
        error: error.message,
      },
      "event handling failed, will be redelivered",
    );
    heldBack.set(event.user_id, { seq: message.seq, due: clock.monotonic() + delay });
    message.nak(delay);
  }

  /** No repeat makes it readable, and it must not stop those behind it. */
  function refuse(message: JsMsg): void {
    log.error({ consumer: consumer.name, stream: message.info.stream, seq: message.seq }, "unreadable event dropped");
    message.term();
  }
}

function parse(message: JsMsg): MeshEvent | undefined {
  try {
    return MeshEvent.parse(message.json());
  } catch {
    return undefined;
  }
}
