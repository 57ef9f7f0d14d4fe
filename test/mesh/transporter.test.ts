import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { AppError } from "../../lib/actions/errors.ts";
import { readConfig } from "../../lib/config/config.ts";
import { createLog } from "../../lib/observability/log.ts";
import { isOnBus } from "../../lib/runtime/moleculer-internals.ts";
import { ShortLivedMap } from "../../lib/runtime/short-lived-map.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { findFreePort } from "../../scripts/local-servers/ports.ts";
import { eventually } from "../support/eventually.ts";
import { dropConnection, startBroker } from "../support/start/broker.ts";
import { type Server, startNatsServer } from "../support/start/servers.ts";

const release = new AbortController();

/** Responds, fails, or hangs. */
const echo: ServiceSchema = {
  name: "echo",
  actions: {
    say: async (ctx) => ctx.params,
    refuse: async () => {
      throw new AppError("email_taken", {
        retry_after: 7,
        errors: [{ field: "email", code: "taken", message: "is taken" }],
        cause: new Error("constraint users_email"),
      });
    },
    fail: async () => {
      throw new TypeError("secret detail");
    },
    nest: async (ctx) => ctx.call("nobody.home"),
    wait: () => new Promise<void>((resolve) => release.signal.addEventListener("abort", () => resolve())),
  },
};

function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => "no error",
    (error: unknown) => error,
  );
}

describe("two nodes over nats-server", () => {
  let nats: Server;
  let caller: ServiceBroker;
  let callee: ServiceBroker;

  beforeAll(async () => {
    nats = await startNatsServer();
    // Several servers, the first of which does not exist.
    const url = `nats://127.0.0.1:${await findFreePort()},${nats.url}`;
    [caller, callee] = await Promise.all([
      startBroker({ env: { NATS_URL: url } }),
      startBroker({ env: { NATS_URL: nats.url }, services: [echo] }),
    ]);
    await caller.waitForServices("echo", 5_000, 20);
  });
  afterAll(async () => {
    release.abort();
    await caller?.stop();
    await callee?.stop();
    await nats?.stop();
  });

  test("a call is answered", async () => {
    await expect(caller.call("echo.say", { a: 1 })).resolves.toEqual({ a: 1 });
  });

  test("a node that has started knows the others, and did not wait for long after they had answered", async () => {
    // Moleculer's own transit waits 500 ms. A busy machine delays some starts.
    await eventually("a quick start", async () => (await startAfterAnswer()) < 400);
  });

  /** Milliseconds from the answer of the last other node to the end of the start. */
  async function startAfterAnswer(): Promise<number> {
    let answeredAt = 0;
    const late = await startBroker({
      env: { NATS_URL: nats.url },
      options: {
        created: ({ localBus }) =>
          void localBus.on("$node.connected", () => {
            answeredAt = performance.now();
          }),
      },
    });
    const startedAt = performance.now();
    await expect(late.call("echo.say", { n: 1 })).resolves.toEqual({ n: 1 });
    await late.stop();
    return startedAt - answeredAt;
  }

  test("an AppError arrives complete, without cause and stack", async () => {
    const error = (await caller.call("echo.refuse").catch((one) => one)) as AppError;
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({
      type: "email_taken",
      status: 409,
      data: { retry_after: 7, errors: [{ field: "email", code: "taken", message: "is taken" }] },
    });
    expect(error.cause).toBeUndefined();
    expect(error.stack).not.toContain("transporter.test.ts:2");
  });

  test("any other error arrives as internal_error and reveals nothing", async () => {
    const error = (await caller.call("echo.fail").catch((one) => one)) as AppError;
    expect(error).toBeInstanceOf(AppError);
    expect(error.type).toBe("internal_error");
    expect(JSON.stringify({ ...error, message: error.message, stack: error.stack })).not.toContain("secret detail");
  });

  test("a service that the callee can't reach is service_unavailable", async () => {
    await expect(caller.call("echo.nest")).rejects.toMatchObject({ name: "AppError", type: "service_unavailable" });
  });

  test("an unknown service is Moleculer's own error", async () => {
    await expect(caller.call("nobody.home")).rejects.toMatchObject({ name: "ServiceNotFoundError" });
  });

  test("calls, including those in flight, fail at once when NATS goes down, and work again soon after it is back", async () => {
    const inFlight = errorOf(caller.call("echo.wait"));
    expect(caller.transit?.pendingRequests).toBeInstanceOf(ShortLivedMap);
    await eventually("the call to be in flight", () => caller.transit?.pendingRequests.size === 1);
    await nats.stop();
    await eventually("the loss to be noticed", () => !isOnBus(caller) && !isOnBus(callee));
    expect(await inFlight).toMatchObject({ name: "RequestRejectedError" });
    await expect(caller.call("echo.say", { a: 2 })).rejects.toMatchObject({ name: "BrokerDisconnectedError" });
    expect(caller.transit?.pendingRequests.size).toBe(0);

    await nats.start();
    const answer = () => caller.call("echo.say", { a: 3 });
    expect(await eventually("an answer", answer, { within: 5_000, every: 10 })).toEqual({ a: 3 });
  });

  test("calls made while NATS was down are not executed later", async () => {
    let done = 0;
    const count = async () => {
      done += 1;
    };
    callee.createService({ name: "late", actions: { count } });
    await caller.waitForServices("late", 5_000, 20);
    await nats.stop();
    await eventually("the loss to be noticed", () => !isOnBus(caller));
    await Promise.allSettled(Array.from({ length: 10 }, () => caller.call("late.count")));
    await nats.start();
    await eventually("an answer", () => caller.call("late.count").then(() => true));
    expect(done).toBe(1);
  });

  test("a killed node is detected by the next call to it, and calls in flight to it fail at once", async () => {
    const victim = await startBroker({
      env: { NATS_URL: nats.url, NODE_ID: "victim.with.dots" },
      services: [{ ...echo, name: "doomed" }],
    });
    await caller.waitForServices("doomed", 5_000, 20);
    const waiting = errorOf(caller.call("doomed.wait"));
    await eventually("the call to be in flight", () => caller.transit?.pendingRequests.size === 1);
    await dropConnection(victim);
    expect(await waiting).toMatchObject({ name: "RequestRejectedError" });
    await expect(caller.call("doomed.say")).rejects.toMatchObject({ name: "ServiceNotAvailableError" });
    release.abort();
    await victim.stop();
  });
});

test("a node that is stopped while waiting for NATS stops connecting", async () => {
  const port = await findFreePort();
  const config = readConfig({ NODE_ENV: "test", NATS_URL: `nats://127.0.0.1:${port}` });
  const lines: string[] = [];
  const log = createLog({ ...config.log, level: "warn" }, { write: (line: string) => void lines.push(line) });
  const broker = new ServiceBroker(brokerOptions(config, { log, services: ["test"] }));
  void broker.start();
  await eventually("it to wait", () => lines.some((line) => line.includes("NATS unavailable, waiting")));
  await broker.stop();
  const server = createServer().listen(port, "127.0.0.1");
  const asked = once(server, "connection").then(() => "asked");
  expect(await Promise.race([asked, sleep(1_000, "left alone")])).toBe("left alone");
  server.close();
});
