import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ServiceBroker, type Transporters } from "moleculer";
import { listEndpoints } from "../../lib/runtime/moleculer-internals.ts";
import { createLocalBus, joinLocalBus } from "../../scripts/run/local-bus.ts";
import { eventually } from "../support/eventually.ts";

let nodes = 0;

function brokerOn(transporter: Transporters.Base): ServiceBroker {
  nodes += 1;
  return new ServiceBroker({ nodeID: `node-${nodes}`, transporter, logger: false });
}

/** How long the start takes, in milliseconds. */
async function startOf(broker: ServiceBroker): Promise<number> {
  const began = performance.now();
  await broker.start();
  return performance.now() - began;
}

// Moleculer's own transit always waits 500 ms. A start is repeated, because a busy machine delays some.
describe("the local bus", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "usermesh-bus-test-"));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  async function createHub(): Promise<{ readonly url: string; readonly hub: ServiceBroker }> {
    const { url, transporter } = await createLocalBus(dir);
    const hub = brokerOn(transporter);
    hub.createService({ name: "echo", actions: { say: ({ params }) => params } });
    return { url, hub };
  }

  test("its first node does not wait for others when it starts", async () => {
    await eventually("a quick start", async () => {
      const { hub } = await createHub();
      const ms = await startOf(hub);
      await hub.stop();
      return ms < 90;
    });
  });

  test("a node that joins does not wait for long, and has discovered the first one when it has started", async () => {
    const { url, hub } = await createHub();
    await hub.start();
    let member: ServiceBroker | undefined;
    try {
      await eventually("a quick start", async () => {
        await member?.stop();
        member = brokerOn(joinLocalBus(url));
        return (await startOf(member)) < 400 && listEndpoints(member, "echo.say").length === 1;
      });
      await expect(member?.call("echo.say", { n: 1 })).resolves.toEqual({ n: 1 });
    } finally {
      await member?.stop();
      await hub.stop();
    }
  });
});
