import { setTimeout as delay } from "node:timers/promises";
import { Errors, Transporters } from "moleculer";
import { connect, createInbox, Events, type Msg, type NatsConnection } from "nats";
import { systemTimers } from "../../lib/runtime/clock.ts";
import { natsOptions } from "../../lib/runtime/nats-options.ts";
import { retry } from "../../lib/runtime/retry.ts";
import { ShortLivedMap } from "../../lib/runtime/short-lived-map.ts";
import { type JoiningTransit, joinMesh } from "./join-mesh.ts";

/** Passed by Moleculer beside a packet's bytes. */
interface SendMeta {
  readonly packet?: { readonly type: string; readonly target?: string | null };
}

interface QueuedPacket {
  readonly topic: string;
  readonly data: Buffer;
  readonly reply: string | undefined;
  readonly sent: () => void;
  readonly failed: (error: unknown) => void;
}

interface PendingCall {
  readonly nodeID: string;
}

/** Parts of Moleculer that its types lack; test/unit/moleculer-internals.test.ts checks them. */
interface Internals {
  readonly broker: {
    broadcastLocal(event: string, payload: object): void;
    readonly registry: { readonly discoverer: { remoteNodeDisconnected(nodeId: string, unexpected: boolean): void } };
  };
  readonly transit: {
    pendingRequests: ShortLivedMap<string, PendingCall>;
    removePendingRequestByNodeID(nodeId: string): void;
    sendPing(nodeId: string): Promise<void>;
  };
  readonly logger: Record<"debug" | "info" | "warn", (text: string, fields?: object) => void>;
}

const PROBE_MS = 500;
const RETRY_MS = 250;
/** A node may start a little before NATS does, and on a slow machine a whole mesh starts at once. */
const QUIET_MS = 5_000;
const FLUSH_TIMEOUT_MS = 1_000;

/**
 * Moleculer's NATS transporter with detection of failures. The stock one buffers packets while NATS is down, so that
 * callers wait for their whole timeout.
 *
 * - NATS lost: pending calls are rejected, and new ones fail immediately (BrokerDisconnectedError) until the client has
 *   reconnected.
 * - Packets of one turn of the event loop are sent in one write: a system call for each costs more than the rest of a call.
 * - A node that starts waits for the answers of others only as long as they come.
 * - Calls that wait for their response are kept in a `ShortLivedMap`; lib/runtime/short-lived-map.ts gives the reason.
 * - Node killed: NATS knows immediately that a node's subject has no subscriber ("no responders"), while heartbeats take
 *   seconds. Requests ask NATS for this notice, and nodes that owe us a response are probed.
 */
export class NatsTransporter extends Transporters.NATS {
  readonly #url: string;
  /** Aborted by `disconnect`, because Moleculer resets its own flag before a connecting loop could read it. */
  #running = new AbortController();
  #probe: NodeJS.Timeout | undefined;
  #inbox = "";
  readonly #nodeIdsByToken = new Map<string, string>();
  #queue: QueuedPacket[] = [];

  constructor(natsUrl: string) {
    super({});
    this.#url = natsUrl;
  }

  override init(...args: Parameters<Transporters.NATS["init"]>): void {
    super.init(...args);
    (this as unknown as Internals).transit.pendingRequests = new ShortLivedMap();
  }

  override async connect(): Promise<void> {
    this.#running = new AbortController();
    const { signal } = this.#running;
    const { logger } = this as unknown as Internals;
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
      quietMs: QUIET_MS,
      signal,
      onFailure: (message) => logger.warn(`NATS unavailable, waiting: ${message}`),
    }).catch(() => undefined);
    if (!client) return;
    this.client = client;
    void this.#followStatus(client);
    this.#subscribeNoResponders(client);
    this.#probe = setInterval(() => this.#probePendingNodes(), PROBE_MS).unref();
    void client.closed().then(() => this.#onDisconnected());
    await this.onConnected();
  }

  override onConnected(wasReconnect = false): Promise<void> {
    this.connected = true;
    return joinMesh(this.transit as unknown as JoiningTransit, wasReconnect);
  }

  override async disconnect(): Promise<void> {
    this.#running.abort();
    clearInterval(this.#probe);
    const client = this.client as NatsConnection | null;
    if (!client || client.isClosed()) return;
    this.#publishQueue();
    // A flush waits for the server, without end while it is unavailable.
    if (this.connected) await Promise.race([client.flush(), delay(FLUSH_TIMEOUT_MS, undefined, { ref: false })]);
    this.connected = false;
    await client.close();
    this.client = null;
  }

  override send(topic: string, data: Buffer, { packet }: SendMeta = {}): Promise<void> {
    if (!this.client || !this.connected) return Promise.reject(disconnectedError());
    const target = packet?.target;
    const expectsResponse = target && (packet.type === "REQ" || packet.type === "PING");
    const reply = expectsResponse ? this.#replySubject(target) : undefined;
    if (this.#queue.length === 0) setImmediate(() => this.#publishQueue());
    return new Promise((sent, failed) => this.#queue.push({ topic, data, reply, sent, failed }));
  }

  /** The client writes to its socket once, in a microtask after the last packet. */
  #publishQueue(): void {
    const client = this.client as NatsConnection | null;
    const packets = this.#queue;
    this.#queue = [];
    for (const { topic, data, reply, sent, failed } of packets) {
      try {
        if (!client || !this.connected) throw disconnectedError();
        client.publish(topic, data, reply === undefined ? undefined : { reply });
        sent();
      } catch (error) {
        failed(error);
      }
    }
  }

  async #followStatus(client: NatsConnection): Promise<void> {
    for await (const { type } of client.status()) {
      if (type === Events.Disconnect) this.#onDisconnected();
      if (type === Events.Reconnect) this.#onReconnected();
    }
  }

  #onDisconnected(): void {
    if (!this.connected) return;
    this.connected = false;
    const { broker, transit, logger } = this as unknown as Internals;
    logger.warn("NATS disconnected.");
    for (const nodeId of nodesOf(transit.pendingRequests)) transit.removePendingRequestByNodeID(nodeId);
    broker.broadcastLocal("$transporter.disconnected", { graceFul: false });
  }

  #onReconnected(): void {
    const { logger } = this as unknown as Internals;
    logger.info("NATS reconnected.");
    void this.onConnected(true);
  }

  #subscribeNoResponders(client: NatsConnection): void {
    this.#inbox = createInbox();
    this.#nodeIdsByToken.clear();
    client.subscribe(`${this.#inbox}.*`, { callback: (_, message) => this.#onNoResponders(message) });
  }

  #replySubject(nodeId: string): string {
    // A node's id may contain dots, which separate the tokens of a subject.
    const token = Buffer.from(nodeId).toString("base64url");
    this.#nodeIdsByToken.set(token, nodeId);
    return `${this.#inbox}.${token}`;
  }

  #onNoResponders(message: Msg): void {
    const nodeId = this.#nodeIdsByToken.get(message.subject.slice(this.#inbox.length + 1));
    if (message.headers?.code !== 503 || nodeId === undefined) return;
    this.#nodeIdsByToken.delete(message.subject.slice(this.#inbox.length + 1));
    const { broker, transit, logger } = this as unknown as Internals;
    logger.debug(`No subscriber for node '${nodeId}'.`);
    broker.registry.discoverer.remoteNodeDisconnected(nodeId, true);
    transit.removePendingRequestByNodeID(nodeId);
  }

  #probePendingNodes(): void {
    if (!this.connected) return;
    const { transit } = this as unknown as Internals;
    for (const nodeId of nodesOf(transit.pendingRequests)) void transit.sendPing(nodeId);
  }
}

function disconnectedError(): Error {
  return new Errors.BrokerDisconnectedError("NATS is disconnected");
}

function nodesOf(pending: ShortLivedMap<string, PendingCall>): Set<string> {
  return new Set([...pending.values()].map((request) => request.nodeID));
}
