import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServiceBroker } from "moleculer";
import { type EmbeddedNats, startNats } from "../../../scripts/local-servers/nats.ts";

const silent = () => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent };

export interface TestNats {
  readonly url: string;
  stop(): Promise<void>;
  /** On the port and with the credentials of before. */
  start(): Promise<void>;
  remove(): Promise<void>;
}

/** A nats-server of this test's own, whose password needs escaping. */
export async function createNats(): Promise<TestNats> {
  const dir = await mkdtemp(join(tmpdir(), "usermesh-test-"));
  const launch = (port?: number): Promise<EmbeddedNats> =>
    startNats({ dir, log, port, user: "bus", password: "p@ss/word:1" });
  let server = await launch();
  const { url, port } = server;
  return {
    url,
    stop: () => server.stop(),
    start: async () => {
      server = await launch(port);
    },
    remove: async () => {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** The end of its connection is all that the mesh sees of a `kill -9`. */
export async function dieSilently(broker: ServiceBroker): Promise<void> {
  const transporter = broker.transit?.tx as unknown as { client: { close(): Promise<void> } } | undefined;
  await transporter?.client.close();
}

export function isOnBus(broker: ServiceBroker): boolean {
  return (broker.transit?.tx as { connected?: boolean } | undefined)?.connected === true;
}
