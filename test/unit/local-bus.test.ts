import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ServiceBroker, type Transporters } from "moleculer";
import { createLocalBus, joinLocalBus, type LocalBus } from "../../scripts/run/local-bus.ts";
import { eventually } from "../support/eventually.ts";

function brokerOf(nodeID: string, transporter: Transporters.Base): ServiceBroker {
  return new ServiceBroker({ nodeID, transporter, logger: false });
}

/** Milliseconds. */
async function startOf(broker: ServiceBroker): Promise<number> {
  const began = performance.now();
  await broker.start();
  return performance.now() - began;
}

// Moleculer's own transit waits 500 ms. A busy machine delays some starts.
const isQuick = (ms: number) => ms < 400;

describe("the local bus", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "usermesh-bus-test-"));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  async function startHub(): Promise<{ readonly bus: LocalBus; readonly hub: ServiceBroker; readonly ms: number }> {
    const bus = await createLocalBus(dir);
    const hub = brokerOf("hub", bus.transporter);
    hub.createService({ name: "echo", actions: { say: ({ params }) => params } });
    return { bus, hub, ms: await startOf(hub) };
  }

  test("its first node waits for no others when it starts", async () => {
    await eventually("a quick start", async () => {
      const { hub, ms } = await startHub();
      await hub.stop();
      return isQuick(ms);
    });
  });

  test("a node that joins knows the first one when it has started, and does not wait for long", async () => {
    const { bus, hub } = await startHub();
    await eventually("a quick start", async () => {
      const member = brokerOf("member", joinLocalBus(bus.url));
      const ms = await startOf(member);
      await expect(member.call("echo.say", { n: 1 })).resolves.toEqual({ n: 1 });
      await member.stop();
      return isQuick(ms);
    });
    await hub.stop();
  });
});
