import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { expect, test } from "@jest/globals";
import pino from "pino";
import { readConfig } from "../../../lib/config/config.ts";
import { systemClock, systemTimers } from "../../../lib/runtime/clock.ts";
import { createResponseSender } from "../../../services/gateway/http/send-response.ts";

async function* document(fails: boolean): AsyncGenerator<string> {
  yield '{"rows":[';
  await new Promise((resolve) => setImmediate(resolve));
  if (fails) throw new Error("The database is gone");
  yield "]}";
}

/** How the connection ends for a client that has received this much. */
async function transfer(version: "1.0" | "1.1", fails: boolean): Promise<{ text: string; ending: string }> {
  const log = pino({ level: "silent" });
  const cors = { headersFor: () => [], preflight: () => [] };
  const deps = { config: readConfig({}), clock: systemClock, timers: systemTimers, log, isStopping: () => false };
  const send = createResponseSender(deps, cors as never);
  const server = createServer((request, response) => {
    const pending = { request, response, correlationId: "c", path: "/", startedAt: 0, responseHeaders: [] };
    const metrics = { observe: () => undefined };
    const message = { status: 200, contentType: "application/json", body: "", chunks: document(fails) };
    send({ ...pending, metrics } as never, message);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.write(`GET / HTTP/${version}\r\nHost: x\r\nConnection: close\r\n\r\n`);
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk;
  });
  const ending = await new Promise<string>((resolve) => {
    socket.on("end", () => resolve("end"));
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""));
  });
  server.close();
  return { text, ending };
}

test("a transfer that breaks off is a broken connection, even in HTTP/1.0, where the end of the connection ends the body", async () => {
  expect((await transfer("1.0", true)).ending).toBe("ECONNRESET");
  expect((await transfer("1.1", true)).ending).toBe("ECONNRESET");
});

test.each(["1.0", "1.1"] as const)("a whole one in HTTP/%s ends as usual", async (version) => {
  const { text, ending } = await transfer(version, false);
  expect(ending).toBe("end");
  expect(text).toContain("]}");
});
