import type { JsMsg } from "nats";
import { createBulkhead } from "../runtime/bulkhead.ts";
import { createFailureLog, type FailureLog } from "../runtime/failure-log.ts";
import type { EventConsumer } from "../runtime/platform.ts";
import type { EventLogOptions } from "./event-log-options.ts";
import { MeshEvent } from "./events.ts";

const CONCURRENCY = 16;
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 60_000;
/** Delays the user's later events a little more than the failed one, so that the server redelivers that one first. */
const REDELIVERY_GAP_MS = 50;
/** Another node may have received the failed event: later events wait this long for it past its redelivery. */
const FAILED_EVENT_TIMEOUT_MS = 2_000;
/** Well below ACK_WAIT_MS (5 s), after which the server considers the node dead and redelivers to another one. */
const RENEW_MS = 2_000;

/** An event whose handling failed: the user's later events wait until it has been redelivered. */
interface FailedDelivery {
  readonly seq: number;
  /** When it is redelivered, in milliseconds of the monotonic clock. */
  readonly redeliveredAt: number;
}

/** Hands messages to the consumer's handler: one user's in order, those of different users concurrently. */
export class Delivery {
  readonly #consumer: EventConsumer;
  readonly #options: EventLogOptions;
  readonly #failures: FailureLog;
  readonly #bulkhead = createBulkhead({ concurrency: CONCURRENCY, queue: Number.POSITIVE_INFINITY });
  /** By user: resolves when the user's last received message is handled. */
  readonly #tails = new Map<string, Promise<void>>();
  readonly #failed = new Map<string, FailedDelivery>();
  readonly #inProgress = new Set<JsMsg>();
  #renewing = false;

  constructor(consumer: EventConsumer, options: EventLogOptions) {
    this.#consumer = consumer;
    this.#options = options;
    this.#failures = createFailureLog(options.log, options.clock);
  }

  receive(message: JsMsg): void {
    const event = parse(message);
    if (!event) this.#dropUnreadable(message);
    else if (!this.#consumer.types.includes(event.event_type)) message.ack();
    else this.#enqueue(event, message);
  }

  /** Resolves when no message is being handled. */
  async idle(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all(this.#tails.values());
  }

  #enqueue(event: MeshEvent, message: JsMsg): void {
    this.#inProgress.add(message);
    if (!this.#renewing) this.#scheduleRenewal();
    const tail = (this.#tails.get(event.user_id) ?? Promise.resolve()).then(() => this.#deliver(event, message));
    this.#tails.set(event.user_id, tail);
    void tail.then(() => {
      this.#inProgress.delete(message);
      if (this.#tails.get(event.user_id) === tail) this.#tails.delete(event.user_id);
    });
  }

  #scheduleRenewal(): void {
    this.#renewing = this.#inProgress.size > 0;
    if (!this.#renewing) return;
    this.#options.timers.after(RENEW_MS, () => {
      for (const message of this.#inProgress) message.working();
      this.#scheduleRenewal();
    });
  }

  async #deliver(event: MeshEvent, message: JsMsg): Promise<void> {
    const delay = this.#delayBehindFailed(event.user_id, message.seq);
    if (delay > 0) return message.nak(delay);
    try {
      await this.#bulkhead(() => this.#consumer.handle(event));
      message.ack();
      if (this.#failed.get(event.user_id)?.seq === message.seq) this.#failed.delete(event.user_id);
    } catch (error) {
      this.#retryLater(event, message, error as Error);
    }
  }

  #delayBehindFailed(userId: string, seq: number): number {
    const failed = this.#failed.get(userId);
    if (!failed || seq <= failed.seq) return 0;
    const now = this.#options.clock.monotonic();
    if (now < failed.redeliveredAt + FAILED_EVENT_TIMEOUT_MS)
      return Math.max(Math.ceil(failed.redeliveredAt - now), 0) + REDELIVERY_GAP_MS;
    this.#failed.delete(userId);
    return 0;
  }

  #retryLater(event: MeshEvent, message: JsMsg, { message: error }: Error): void {
    const { event_id, event_type, correlation_id } = event;
    const delay = Math.min(FIRST_DELAY_MS * 2 ** (message.info.deliveryCount - 1), MAX_DELAY_MS);
    const fields = { consumer: this.#consumer.name, event_id, event_type, correlation_id, delay_ms: delay, error };
    this.#failures.warn(`${event_type} ${error}`, fields, "event handling failed, will be redelivered");
    this.#failed.set(event.user_id, {
      seq: message.seq,
      redeliveredAt: this.#options.clock.monotonic() + delay,
    });
    message.nak(delay);
  }

  /** Redelivery would not make it readable, and it must not block the events after it. */
  #dropUnreadable(message: JsMsg): void {
    const { stream } = message.info;
    this.#options.log.error({ consumer: this.#consumer.name, stream, seq: message.seq }, "unreadable event dropped");
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
