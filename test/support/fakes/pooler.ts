import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface Pooler {
  /** The server's URL, through the pooler. */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Behaves as PgBouncer does towards a client that must not rely on a session: it rejects settings in the startup packet, and
 * gives the client another process ID than the server's.
 */
export async function startPooler(serverUrl: string): Promise<Pooler> {
  const target = new URL(serverUrl);
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => void [near, far].map((one) => one.destroy()));
    }
    near.once("data", (packet) => {
      if (hasSettings(packet)) return void near.destroy();
      far.write(packet);
      near.pipe(far);
    });
    far.on("data", (data) => near.write(withOtherProcessId(data)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(serverUrl);
  url.hostname = "127.0.0.1";
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    stop: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** A startup packet's names and values, each ended by a zero byte, follow its length and the protocol's version. */
function hasSettings(packet: Buffer): boolean {
  const names = packet
    .toString("latin1", 8)
    .split("\0")
    .filter((_, index) => index % 2 === 0);
  return names.some((name) => /^(options|search_path|.*_timeout)$/.test(name));
}

const BACKEND_KEY_DATA = Buffer.from([0x4b, 0, 0, 0, 12]);

function withOtherProcessId(data: Buffer): Buffer {
  const at = data.indexOf(BACKEND_KEY_DATA);
  if (at >= 0)
    data.writeUInt32BE(data.readUInt32BE(at + BACKEND_KEY_DATA.length) ^ 0x40000000, at + BACKEND_KEY_DATA.length);
  return data;
}
