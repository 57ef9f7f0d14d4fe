import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Errors, Transporters } from "moleculer";
import { type JoiningTransit, joinMesh } from "../../mixins/bus/join-mesh.ts";
import { privateDir } from "../local-servers/secrets.ts";

/** A frame is its length in 4 bytes, a topic, a line break and the packet. A frame without a packet subscribes to the topic. */
const HEADER_BYTES = 4;
const MAX_FRAME_BYTES = 64 * 1024 * 1024;
const RECONNECT_MS = 500;
/** macOS allows 104, with a terminating zero. */
const MAX_PATH_BYTES = 100;

/** The bus of `npm start`: its node serves a Unix socket in a private folder, which commands on this machine join. */
export interface LocalBus {
  readonly url: string;
  readonly transporter: Transporters.Base;
}

/** Starts to listen when the broker that gets the transporter connects. */
export async function createLocalBus(dataDir: string): Promise<LocalBus> {
  const inDataDir = join(resolve(await privateDir(dataDir)), "bus.sock");
  const isShort = Buffer.byteLength(inDataDir) <= MAX_PATH_BYTES;
  const path = isShort ? inDataDir : join(await mkdtemp(join(tmpdir(), "usermesh-bus-")), "bus.sock");
  // A killed process has left it. The folder is locked, so no other process uses it now.
  await rm(path, { force: true });
  const leftover = isShort ? path : dirname(path);
  const cleanUp = () => rm(leftover, { recursive: true, force: true });
  return { url: `unix:${path}`, transporter: new HubTransporter(path, cleanUp) };
}

export function joinLocalBus(url: string): Transporters.Base {
  return new MemberTransporter(url.slice("unix:".length));
}

type Commands = Map<string, string>;

/** What hub and members share: the topics that this node itself receives. */
abstract class LocalTransporter extends Transporters.Base {
  protected readonly commands: Commands = new Map();

  // Moleculer's types lack `getTopicName` and `receive` of the base class.
  override async subscribe(command: string, nodeID?: string): Promise<void> {
    const topic = (this as unknown as TransporterInternals).getTopicName(command, nodeID);
    this.commands.set(topic, command);
    this.onSubscribed(topic);
  }

  override async subscribeBalancedRequest(): Promise<void> {
    // Moleculer calls it only for a transporter with a balancer of its own.
  }

  override async subscribeBalancedEvent(): Promise<void> {
    // As above.
  }

  protected abstract onSubscribed(topic: string): void;

  protected deliver(topic: string, packet: Buffer): void {
    const command = this.commands.get(topic);
    if (command !== undefined) (this as unknown as TransporterInternals).receive(command, packet);
  }
}

interface TransporterInternals {
  getTopicName(command: string, nodeID?: string): string;
  receive(command: string, packet: Buffer): void;
}

class HubTransporter extends LocalTransporter {
  readonly #path: string;
  readonly #cleanUp: () => Promise<void>;
  readonly #topicsOf = new Map<Socket, Set<string>>();
  #server: Server | undefined;

  constructor(path: string, cleanUp: () => Promise<void>) {
    super({});
    this.#path = path;
    this.#cleanUp = cleanUp;
  }

  override async connect(): Promise<void> {
    this.#server = createServer((socket) => this.#accept(socket)).listen(this.#path);
    await once(this.#server, "listening");
    this.#server.unref();
    await this.onConnected();
  }

  override async disconnect(): Promise<void> {
    this.connected = false;
    for (const socket of this.#topicsOf.keys()) socket.end();
    this.#server?.close();
    await this.#cleanUp();
  }

  override async send(topic: string, packet: Buffer): Promise<void> {
    this.#forward(topic, packet);
  }

  /** Does not wait for answers: no node can join before this one listens. */
  override onConnected(): Promise<void> {
    this.connected = true;
    return joinMesh(this.transit as unknown as JoiningTransit, false, 0);
  }

  protected override onSubscribed(): void {
    // The hub gets every packet anyway.
  }

  #accept(socket: Socket): void {
    const topics = new Set<string>();
    this.#topicsOf.set(socket, topics);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#topicsOf.delete(socket));
    readFrames(socket, (topic, packet) => {
      if (packet === undefined) return void topics.add(topic);
      this.deliver(topic, packet);
      this.#forward(topic, packet, socket);
    });
  }

  #forward(topic: string, packet: Buffer, from?: Socket): void {
    for (const [socket, topics] of this.#topicsOf)
      if (socket !== from && topics.has(topic)) socket.write(frame(topic, packet));
  }
}

class MemberTransporter extends LocalTransporter {
  readonly #path: string;
  #socket: Socket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(path: string) {
    super({});
    this.#path = path;
  }

  override async connect(): Promise<void> {
    const socket = createConnection(this.#path);
    await once(socket, "connect");
    this.#socket = socket;
    readFrames(socket, (topic, packet) => packet && this.deliver(topic, packet));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#onClosed());
    for (const topic of this.commands.keys()) this.onSubscribed(topic);
    await this.onConnected(this.commands.size > 0);
  }

  override onConnected(wasReconnect = false): Promise<void> {
    this.connected = true;
    return joinMesh(this.transit as unknown as JoiningTransit, wasReconnect);
  }

  override async disconnect(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    const socket = this.#socket;
    if (!socket || socket.closed) return;
    this.connected = false;
    // Everything that was sent, the farewell included, leaves before the socket ends.
    await new Promise<void>((resolve) => socket.end(resolve));
  }

  override async send(topic: string, packet: Buffer): Promise<void> {
    if (!this.connected) throw new Errors.BrokerDisconnectedError("`npm start` is not running any more");
    this.#socket?.write(frame(topic, packet));
  }

  protected override onSubscribed(topic: string): void {
    this.#socket?.write(frame(topic));
  }

  /** `npm start` may be restarted, by `npm run dev` at each change of a file; then it has another socket. */
  #onClosed(): void {
    this.connected = false;
    if (this.#stopped) return;
    this.#retry = setTimeout(() => void this.connect().catch(() => this.#onClosed()), RECONNECT_MS);
  }
}

function frame(topic: string, packet?: Buffer): Buffer {
  const name = Buffer.from(packet ? `${topic}\n` : topic);
  const length = Buffer.alloc(HEADER_BYTES);
  length.writeUInt32BE(name.length + (packet?.length ?? 0));
  return Buffer.concat([length, name, ...(packet ? [packet] : [])]);
}

function readFrames(socket: Socket, onFrame: (topic: string, packet: Buffer | undefined) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (part: Buffer) => {
    rest = Buffer.concat([rest, part]);
    while (rest.length >= HEADER_BYTES) {
      const length = rest.readUInt32BE();
      if (length > MAX_FRAME_BYTES) return void socket.destroy();
      if (rest.length < HEADER_BYTES + length) return;
      const body = rest.subarray(HEADER_BYTES, HEADER_BYTES + length);
      rest = rest.subarray(HEADER_BYTES + length);
      const end = body.indexOf(10);
      if (end === -1) onFrame(body.toString(), undefined);
      else onFrame(body.subarray(0, end).toString(), body.subarray(end + 1));
    }
  });
}
