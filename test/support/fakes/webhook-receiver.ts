import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface ReceivedWebhook {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** As it came over the wire. */
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever came over the wire
  readonly body: any;
}

export type Behaviour =
  | number
  | "hangs"
  | "hangs up"
  | "answers without end"
  | ((response: ServerResponse, received: ReceivedWebhook) => void);

/** A receiver over real HTTP: accepts everything, unless it is told otherwise. */
export interface WebhookReceiver {
  readonly url: string;
  readonly received: readonly ReceivedWebhook[];
  of(type: string): ReceivedWebhook[];
  behave(how: Behaviour): void;
  stop(): Promise<void>;
}

export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const received: ReceivedWebhook[] = [];
  let behaviour: Behaviour = 204;
  const server = createServer(async (request, response) => {
    const text = (await request.toArray()).join("");
    const one = { path: request.url ?? "", headers: request.headers, text, body: JSON.parse(text) };
    received.push(one);
    if (typeof behaviour === "function") behaviour(response, one);
    else if (behaviour === "hangs up") request.socket.destroy();
    else if (behaviour === "answers without end") answerWithoutEnd(response);
    else if (behaviour !== "hangs") response.writeHead(behaviour, { location: `${url}/elsewhere` }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    received,
    of: (type) => received.filter(({ body }) => body.type === type),
    behave: (how) => {
      behaviour = how;
    },
    async stop() {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answerWithoutEnd(response: ServerResponse): void {
  response.on("error", () => undefined);
  const send = () => {
    while (!response.destroyed && response.write(Buffer.alloc(16_384)));
    if (!response.destroyed) response.once("drain", send);
  };
  response.writeHead(200);
  send();
}
