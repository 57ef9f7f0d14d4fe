import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type PictureAnswer = (response: ServerResponse, request: IncomingMessage) => void;

/** Serves pictures over real HTTP, as the servers of providers do. */
export interface PictureServer {
  readonly origin: string;
  /** A new URL. The first request gets the first answer, and so on; the last answer stays. */
  add(...answers: PictureAnswer[]): string;
  /** How often the URL was requested. */
  requests(url: string): number;
  /** How many connections were opened, also those that made no request. */
  connections(): number;
  stop(): Promise<void>;
}

export async function startPictureServer(): Promise<PictureServer> {
  const answers = new Map<string, readonly PictureAnswer[]>();
  const counts = new Map<string, number>();
  let connections = 0;
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    const asked = counts.get(path) ?? 0;
    counts.set(path, asked + 1);
    const known = answers.get(path) ?? [];
    const answer = known[asked] ?? known.at(-1) ?? status(404);
    answer(response, request);
  });
  server.on("connection", () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    add(...given) {
      const path = `/picture-${answers.size}`;
      answers.set(path, given);
      return origin + path;
    },
    requests: (url) => counts.get(new URL(url).pathname) ?? 0,
    connections: () => connections,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const status =
  (code: number): PictureAnswer =>
  (response) =>
    void response.writeHead(code).end();

export const content =
  (bytes: Uint8Array | string, type = "image/png"): PictureAnswer =>
  (response) =>
    void response.writeHead(200, { "content-type": type }).end(bytes);

export const redirect =
  (location: string): PictureAnswer =>
  (response) =>
    void response.writeHead(302, { location }).end();

/** `bytes` zeros without a content-length. `sent` is called with the number of bytes written when the connection closes. */
export const zeros =
  (bytes: number, sent: (count: number) => void): PictureAnswer =>
  (response) => {
    let written = 0;
    const send = () => {
      while (written < bytes && !response.destroyed) {
        written += 65_536;
        if (!response.write(Buffer.alloc(65_536))) return void response.once("drain", send);
      }
      if (!response.destroyed) response.end();
    };
    response.on("close", () => sent(written));
    response.writeHead(200, { "content-type": "image/png" });
    send();
  };
