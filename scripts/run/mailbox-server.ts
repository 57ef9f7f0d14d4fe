import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { DevMailbox } from "../../lib/runtime/platform.ts";

/** Serves the mails of the embedded SMTP server to gateways in other processes: GET reads, DELETE clears. Loopback only. */
export async function serveMailbox(mailbox: DevMailbox): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
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
