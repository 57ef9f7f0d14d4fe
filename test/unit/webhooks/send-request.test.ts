import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { createAddressCheck, type Resolve } from "../../../lib/outbound/public-lookup.ts";
import { createSender } from "../../../services/webhooks/sending/send-request.ts";

let inside: Server;
let requests = 0;
beforeAll(async () => {
  inside = createServer((_, response) => {
    requests += 1;
    response.end();
  });
  await new Promise<void>((resolve) => inside.listen(0, "127.0.0.1", resolve));
});
afterAll(() => void inside.close());
beforeEach(() => {
  requests = 0;
});

/** A name server whose answers differ from time to time. */
function nameServer(...answers: string[][]) {
  let asked = 0;
  return {
    asked: () => asked,
    async resolve() {
      const addresses = answers[Math.min(asked, answers.length - 1)] ?? [];
      asked += 1;
      return addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    },
  };
}

const send = (resolve: Resolve, allowPrivateAddresses = false) => {
  const url = `http://receiver.example:${(inside.address() as AddressInfo).port}/`;
  return createSender({ allowPrivateAddresses, resolve, timeLimitMs: 300 })({ url, headers: {}, body: "{}" });
};

test("no connection is made to a name that resolves to a private address", async () => {
  expect(await send(nameServer(["127.0.0.1"]).resolve)).toEqual({ error: "no_public_address" });
  expect(requests).toBe(0);
});

test("a name that does not exist gets the answer of one with private addresses, so that it tells nothing", async () => {
  const unknown = () => Promise.reject(Object.assign(new Error(), { code: "ENOTFOUND" }));
  expect(await send(unknown)).toEqual(await send(nameServer(["10.0.0.9"]).resolve));
  expect(await send(unknown, true)).toEqual({ error: "ENOTFOUND" });
});

test("a name is resolved once: an answer that changes afterwards has no effect (DNS rebinding)", async () => {
  const names = nameServer(["127.0.0.1"], ["127.0.0.2"]);
  expect(await send(names.resolve, true)).toEqual({ status: 200 });
  expect([names.asked(), requests]).toEqual([1, 1]);
});

test("of several addresses only the public ones are handed to the socket", async () => {
  const { resolve: addresses } = nameServer(["127.0.0.1", "8.8.8.8", "::1", "2001:4860::8"]);
  const { lookup } = createAddressCheck({ allowPrivateAddresses: false, resolve: addresses });
  const handed = (options: object) =>
    new Promise((resolve) => lookup("receiver.example", options, (_, ...rest) => resolve(rest)));
  expect(await handed({ all: true })).toEqual([
    [
      { address: "8.8.8.8", family: 4 },
      { address: "2001:4860::8", family: 6 },
    ],
  ]);
  expect(await handed({})).toEqual(["8.8.8.8", 4]);
});

test("with private addresses allowed, the request arrives", async () => {
  expect(await send(nameServer(["127.0.0.1"]).resolve, true)).toEqual({ status: 200 });
  expect(requests).toBe(1);
});

test.each([
  ["switches protocols", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"],
  ["is not HTTP", "SSH-2.0-OpenSSH\r\n"],
  ["has headers without end", `HTTP/1.1 200 OK\r\nX: ${"x".repeat(100_000)}`],
])("an answer that %s is a failure", async (_, answer) => {
  const other = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.write(answer);
  });
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`;
  const sent = await createSender({ allowPrivateAddresses: true, timeLimitMs: 5_000 })({
    url,
    headers: {},
    body: "{}",
  });
  other.close();
  expect(sent).toEqual({ error: expect.stringMatching(/^(ECONNRESET|HPE_\w+)$/) });
});
