import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { DevMailbox } from "../../lib/runtime/platform.ts";
import { isLoopback } from "../../services/gateway/http/client-address.ts";

/**
 * Serves the mails of the embedded SMTP server to gateways in other processes: GET reads, DELETE clears. To this machine
 * alone: the mails contain working links.
 */
export async function serveMailbox(mailbox: DevMailbox): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    if (!isLoopback(request)) return void response.writeHead(404).end();
    if (request.method !== "GET" && request.method !== "DELETE") return void response.writeHead(405).end();
    if (request.method === "DELETE") await mailbox.clear();
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(await mailbox.messages()));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
