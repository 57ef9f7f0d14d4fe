import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** What becomes of a message on its way, in either direction. */
export type Fate = "arrives" | "waits" | "is lost";

/** A TCP line to a NATS server, of which a test decides what arrives at the other end. */
export interface BusProxy {
  /** Of the server, by this line. */
  readonly url: string;
  /** Of the messages that come from now on. */
  rule(fateOf: (message: string) => Fate): void;
  /** True if something waits. */
  waiting(): boolean;
  /** What waits arrives, and what comes now is under another rule. */
  release(fateOf: (message: string) => Fate): void;
  /** What the server says arrives so many milliseconds late. */
  slow(ms: number): void;
  /** Sound again. */
  mend(): void;
  close(): Promise<void>;
}

const arrives = (): Fate => "arrives";

export async function openBusProxy(serverUrl: string): Promise<BusProxy> {
  const target = new URL(serverUrl);
  const ends = new Set<Socket>();
  let waiting: Array<() => void> = [];
  let fateOf: (message: string) => Fate = arrives;
  let lateMs = 0;
  const server = createServer((near) => {
    const far = connect({ host: target.hostname, port: Number(target.port) });
    const sendTo = (end: Socket) => (message: Buffer) => {
      const fate = fateOf(message.toString("latin1"));
      if (fate === "waits") waiting.push(() => end.write(message));
      if (fate === "arrives") end.write(message);
    };
    const toClient = sendTo(near);
    const late = (message: Buffer) => (lateMs > 0 ? setTimeout(toClient, lateMs, message) : toClient(message));
    far.on("data", createSplitter(late));
    near.on("data", createSplitter(sendTo(far)));
    join(near, far);
    ends.add(near);
    near.once("close", () => ends.delete(near));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(serverUrl);
  url.port = String((server.address() as AddressInfo).port);
  const release = (next: typeof fateOf) => {
    for (const deliver of waiting) deliver();
    waiting = [];
    fateOf = next;
  };
  return {
    url: url.href,
    rule(next) {
      fateOf = next;
    },
    waiting: () => waiting.length > 0,
    release,
    slow(ms) {
      lateMs = ms;
    },
    mend() {
      lateMs = 0;
      release(arrives);
    },
    async close() {
      for (const end of ends) end.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** One end takes the other with it. */
function join(near: Socket, far: Socket): void {
  near.on("error", () => far.destroy()).on("close", () => far.destroy());
  far.on("error", () => near.destroy()).on("close", () => near.destroy());
}

/** Parts what is said into messages: the line of those with a payload ends with its length. */
function createSplitter(take: (message: Buffer) => void): (bytes: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (let length = lengthOf(rest); length > 0 && length <= rest.length; length = lengthOf(rest)) {
      take(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
  };
}

/** 0 while its first line is not there. */
function lengthOf(bytes: Buffer): number {
  const end = bytes.indexOf("\r\n");
  if (end < 0) return 0;
  const line = bytes.toString("latin1", 0, end);
  return /^H?(MSG|PUB) /i.test(line) ? end + 2 + Number(line.split(" ").at(-1)) + 2 : end + 2;
}
