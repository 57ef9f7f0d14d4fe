import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ServiceBroker } from "moleculer";
import { readConfig } from "../../lib/config/config.ts";
import { createMetrics } from "../../lib/observability/metrics.ts";
import { systemClock } from "../../lib/runtime/clock.ts";
import { createHealthChecks } from "../../lib/runtime/health-checks.ts";
import { findFreePort } from "../../scripts/local-servers/ports.ts";
import { serveMailbox } from "../../scripts/run/mailbox-server.ts";
import { serveNodeHealth } from "../../scripts/run/node-health.ts";
import { raw, statusOf } from "../support/clients/raw-http.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

/** A page of another site whose name resolves to 127.0.0.1 reaches these servers from this machine, but under its own name. */
const REBOUND = "rebind.attacker.example";
const get = (url: string, path: string, host: string, more = "") =>
  raw(url, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`, /never/);

describe("DNS rebinding", () => {
  let usermesh: Usermesh;
  beforeAll(async () => {
    usermesh = await startUsermesh({ OPERATOR_TOKEN: "operator-token-of-this-test" });
  });
  afterAll(() => usermesh?.stop());

  test.each([
    ["/dev/mail", 404],
    ["/metrics", 401],
    ["/db/status", 401],
  ])("does not read %s", async (path, refused) => {
    for (const host of [REBOUND, `${REBOUND}:3000`, "localhost.attacker.example", "10.0.0.9"])
      expect([host, statusOf(await get(usermesh.url, path, host))]).toEqual([host, refused]);
    expect(statusOf(await get(usermesh.url, path, "localhost:3000"))).toBe(200);
  });

  test("does not read the details of the health check", async () => {
    expect(await get(usermesh.url, "/health", REBOUND)).not.toContain("dependencies");
    expect(await get(usermesh.url, "/health", "127.0.0.1")).toContain("dependencies");
  });

  test("does not read or clear the mailbox of a local mesh", async () => {
    let cleared = 0;
    const mailbox = await serveMailbox({
      messages: async () => [],
      clear: async () => {
        cleared += 1;
      },
    });
    const { host } = new URL(mailbox.url);
    const send = (method: string, name: string) =>
      raw(mailbox.url, `${method} / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`, /never/);
    expect([statusOf(await send("GET", REBOUND)), statusOf(await send("DELETE", REBOUND)), cleared]).toEqual([
      404, 404, 0,
    ]);
    expect([statusOf(await send("POST", host)), cleared]).toEqual([405, 0]);
    expect([statusOf(await send("GET", host)), statusOf(await send("DELETE", host)), cleared]).toEqual([200, 200, 1]);
    await mailbox.close();
  });

  test.each([undefined, "operator-token-of-this-test"])(
    "metrics of a node without a gateway need the operator's token if there is one: %s",
    async (token) => {
      const port = await findFreePort();
      const broker = new ServiceBroker({ logger: false });
      const config = readConfig({ NODE_ENV: "test", ...(token !== undefined && { OPERATOR_TOKEN: token }) });
      const parts = { config, metrics: createMetrics(), health: createHealthChecks(systemClock) };
      const close = await serveNodeHealth(broker, parts, { host: "127.0.0.1", port });
      const url = `http://127.0.0.1:${port}`;
      const foreign = token === undefined ? 200 : 401;
      expect(statusOf(await get(url, "/metrics", REBOUND))).toBe(foreign);
      expect(statusOf(await get(url, "/metrics", "10.0.0.9:3001", "Authorization: Bearer wrong\r\n"))).toBe(foreign);
      expect(statusOf(await get(url, "/metrics", "10.0.0.9:3001", `Authorization: Bearer ${token}\r\n`))).toBe(200);
      expect(statusOf(await get(url, "/metrics", "127.0.0.1"))).toBe(200);
      expect(statusOf(await get(url, "/health/live", REBOUND))).toBe(200);
      await close();
    },
  );
});
