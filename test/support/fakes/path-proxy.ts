import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** A proxy that publishes a server below a path, and cuts the path off, as `location /auth/ { proxy_pass http://…/; }` does. */
export async function startPathProxy(base: string) {
  let target = "";
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url?.startsWith(`${base}/`) ? incoming.url.slice(base.length) : undefined;
    if (path === undefined) return outgoing.writeHead(404).end();
    const { method, headers } = incoming;
    const forwarded = request(target + path, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    forwarded.on("error", () => outgoing.destroy());
    outgoing.on("close", () => forwarded.destroy());
    incoming.pipe(forwarded);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${base}`,
    sendTo(url: string): void {
      target = url;
    },
    stop(): void {
      server.close();
      server.closeAllConnections();
    },
  };
}
