import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as after } from "node:timers/promises";

export interface Received {
  /** Milliseconds on this process's clock. */
  readonly at: number;
  readonly headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: whatever came over the wire
  readonly body: any;
}

/** A push service over real HTTP: takes everything, unless it is told otherwise. */
export interface PushServer {
  readonly url: string;
  readonly received: readonly Received[];
  /** The most that it had in hand at once. */
  readonly mostAtOnce: number;
  of(id: string): Received[];
  /** What it answers to this push from now on, in turn; the last of them for ever. */
  answer(id: string, ...statuses: number[]): void;
  /** What it answers to every other push. */
  behave(how: number | "hangs"): void;
  stop(): Promise<void>;
}

/** Long enough for two that are sent at once to meet here. */
const WORK_MS = 50;

export async function startPushServer(): Promise<PushServer> {
  const received: Received[] = [];
  const answers = new Map<string, number[]>();
  let otherwise: number | "hangs" = 202;
  let inHand = 0;
  let mostAtOnce = 0;
  const next = (id: string) => {
    const statuses = answers.get(id);
    return (statuses && statuses.length > 1 ? statuses.shift() : statuses?.[0]) ?? otherwise;
  };
  const server = createServer(async (request, response) => {
    inHand += 1;
    mostAtOnce = Math.max(mostAtOnce, inHand);
    const body = JSON.parse((await request.toArray()).join(""));
    received.push({ at: performance.now(), headers: request.headers, body });
    await after(WORK_MS);
    inHand -= 1;
    const status = next(body.id);
    if (status === "hangs") return;
    response.writeHead(status, { location: `${url}/elsewhere` }).end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/pushes`;
  return {
    url,
    received,
    get mostAtOnce() {
      return mostAtOnce;
    },
    of: (id) => received.filter(({ body }) => body.id === id),
    answer: (id, ...statuses) => void answers.set(id, statuses),
    behave: (how) => {
      otherwise = how;
    },
    async stop() {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}
