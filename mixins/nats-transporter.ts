import { setTimeout as delay } from "node:timers/promises";
import { Errors, Transporters } from "moleculer";
import { connect, createInbox, Events, type Msg, type NatsConnection } from "nats";
import { systemTimers } from "../lib/runtime/clock.ts";
import { natsOptions } from "../lib/runtime/nats-options.ts";
import { retry } from "../lib/runtime/retry.ts";

/** What Moleculer hands over beside a packet's bytes. */
interface Sending {
  readonly packet?: { readonly type: string; readonly target?: string | null };
}

/** The parts of Moleculer's insides that its types don't show. */
interface Insides {
  readonly broker: {
    broadcastLocal(event: string, payload: object): void;
    readonly registry: { readonly discoverer: { remoteNodeDisconnected(nodeId: string, unexpected: boolean): void } };
  };
  readonly transit: {
    readonly pendingRequests: ReadonlyMap<string, { readonly nodeID: string }>;
    removePendingRequestByNodeID(nodeId: string): void;
    sendPing(nodeId: string): Promise<void>;
  };
  readonly logger: Record<"debug" | "info" | "warn", (text: string, fields?: object) => void>;
}

const PROBE_MS = 500;
const RETRY_MS = 250;
const FLUSH_MS = 1_000;

/**
 * Moleculer's NATS transporter, but it knows when the bus or a node is away. The stock one buffers what is sent while
 * NATS is down, and lets the caller wait out its time.
 *
 * - NATS gone: calls in flight are rejected, new ones fail at once (BrokerDisconnectedError); all goes on as soon as the
 *   client has reconnected.
 * - A node killed: NATS knows at once that nobody listens there any more ("no responders"), heartbeats only after
 *   seconds. Requests to a node ask NATS for that answer, and nodes that owe us one are probed.
 */
export class NatsTransporter extends Transporters.NATS {
  readonly #url: string;
  /** Ended by `disconnect`: Moleculer's own mark of it is gone before a loop could see it. */
  #running = new AbortController();
  #probe: NodeJS.Timeout | undefined;
  #inbox = "";
  readonly #targets = new Map<string, string>();

  constructor(natsUrl: string) {
    super({});
    this.#url = natsUrl;
  }

  override async connect(): Promise<void> {
    this.#running = new AbortController();
    const { signal } = this.#running;
    const { logger } = this as unknown as Insides;
    const open = async (): Promise<NatsConnection> => {
      const client = await connect(natsOptions(this.#url));
      if (signal.aborted) await client.close();
      signal.throwIfAborted();
      return client;
    };
    // A node may start before NATS does.
    const client = await retry(open, {
      timers: systemTimers,
      delayMs: RETRY_MS,
      signal,
      onFailure: (message) => logger.warn(`NATS unavailable, waiting: ${message}`),
    }).catch(() => undefined);
    if (!client) return;
    this.client = client;
    void this.#follow(client);
    this.#listenForNobody(client);
    this.#probe = setInterval(() => this.#probeDebtors(), PROBE_MS).unref();
    void client.closed().then(() => this.#lost());
    await this.onConnected();
  }

  override async disconnect(): Promise<void> {
    this.#running.abort();
    clearInterval(this.#probe);
    const client = this.client as NatsConnection | null;
    if (!client || client.isClosed()) return;
    // A flush waits for the server: while it is away, for ever.
    if (this.connected) await Promise.race([client.flush(), delay(FLUSH_MS, undefined, { ref: false })]);
    this.connected = false;
    await client.close();
    this.client = null;
  }

  override async send(topic: string, data: Buffer, { packet }: Sending = {}): Promise<void> {
    const client = this.client as NatsConnection | null;
    if (!client || !this.connected) throw new Errors.BrokerDisconnectedError("NATS is disconnected");
    const target = packet?.target;
    const asks = target && (packet.type === "REQ" || packet.type === "PING");
    if (asks) client.publish(topic, data, { reply: this.#replyFor(target) });
    else client.publish(topic, data);
  }

  async #follow(client: NatsConnection): Promise<void> {
    for await (const { type } of client.status()) {
      if (type === Events.Disconnect) this.#lost();
      if (type === Events.Reconnect) this.#found();
    }
  }

  #lost(): void {
    if (!this.connected) return;
    this.connected = false;
    const { broker, transit, logger } = this as unknown as Insides;
    logger.warn("NATS disconnected.");
    for (const nodeId of owing(transit.pendingRequests)) transit.removePendingRequestByNodeID(nodeId);
    broker.broadcastLocal("$transporter.disconnected", { graceFul: false });
  }

  #found(): void {
    const { logger } = this as unknown as Insides;
    logger.info("NATS reconnected.");
    void this.onConnected(true);
  }

  #listenForNobody(client: NatsConnection): void {
    this.#inbox = createInbox();
    this.#targets.clear();
    client.subscribe(`${this.#inbox}.*`, { callback: (_, message) => this.#answered(message) });
  }

  #replyFor(nodeId: string): string {
    // A node's name may hold dots, which part a subject.
    const token = Buffer.from(nodeId).toString("base64url");
    this.#targets.set(token, nodeId);
    return `${this.#inbox}.${token}`;
  }

  #answered(message: Msg): void {
    const nodeId = this.#targets.get(message.subject.slice(this.#inbox.length + 1));
    if (message.headers?.code !== 503 || nodeId === undefined) return;
    this.#targets.delete(message.subject.slice(this.#inbox.length + 1));
    const { broker, transit, logger } = this as unknown as Insides;
    logger.debug(`No subscriber for node '${nodeId}'.`);
    broker.registry.discoverer.remoteNodeDisconnected(nodeId, true);
    transit.removePendingRequestByNodeID(nodeId);
  }

  #probeDebtors(): void {
    if (!this.connected) return;
    const { transit } = this as unknown as Insides;
    for (const nodeId of owing(transit.pendingRequests)) void transit.sendPing(nodeId);
  }
}

function owing(pending: ReadonlyMap<string, { readonly nodeID: string }>): Set<string> {
  return new Set([...pending.values()].map((request) => request.nodeID));
}
