import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startWebhooks, type Webhooks } from "../../support/data/webhooks.ts";

let guarded: Webhooks;
let inside: Server;
let connections = 0;
beforeAll(async () => {
  guarded = await startWebhooks({ WEBHOOK_ALLOW_PRIVATE_ADDRESSES: "false" });
  inside = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => inside.listen(0, resolve));
});
afterAll(async () => {
  await guarded?.stop();
  inside?.close();
});
const port = () => (inside.address() as { port: number }).port;

test.each(["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])(
  "no connection is made to %s",
  async (host) => {
    const { id } = await guarded.create(guarded.vendor, { url: `https://${host}:${port()}/` });
    await guarded.sendTest(guarded.vendor, id);
    const { error } = await guarded.delivery(guarded.vendor, id, "failed");
    expect(error).toBe(host === "localhost" ? "no_public_address" : "address_not_allowed");
    expect(connections).toBe(0);
  },
);

test("http is refused", async () => {
  const { status, body } = await guarded.usermesh.api.post(
    "admin/webhooks",
    { url: "http://receiver.invalid/" },
    guarded.vendor,
  );
  expect([status, body.errors[0].code]).toEqual([422, "https_required"]);
});
