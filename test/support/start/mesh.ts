import { connect, type NatsConnection } from "nats";
import pino from "pino";
import { type MeshEvent, subjectOf } from "../../../lib/events/events.ts";
import { natsOptions } from "../../../lib/runtime/nats-options.ts";
import { findFreePort } from "../../../scripts/local-servers/ports.ts";
import { processesOfEach, type RunningMesh, startMesh as startProcesses } from "../../../scripts/run/start-mesh.ts";
import { type ApiClient, createApiClient } from "../clients/api-client.ts";
import { eventually } from "../eventually.ts";
import type { TestDatabase } from "./database.ts";
import { firstAdmin, type Installation, outboxesEmpty } from "./installation.ts";
import { type MailServer, type Server, startServers } from "./servers.ts";

/** A real mesh on this machine: every service and worker in processes of their own, over servers of their own. */
export interface TestMesh extends Installation {
  readonly env: Readonly<Record<string, string>>;
  readonly nats: Server;
  readonly redis: Server;
  readonly smtp: MailServer;
  names(): readonly string[];
  pid(name: string): number;
  /** SIGKILL; resolves when the process has ended. */
  kill(name: string): Promise<void>;
  /** SIGSTOP: the process lives and does not react. */
  pause(name: string): void;
  resume(name: string): void;
  /** Starts a process under the name of one that was killed. */
  restart(name: string): Promise<void>;
  /** As a rollout does: stops the process and starts another one, with these changes in its environment. */
  replace(name: string, env: Readonly<Record<string, string>>): Promise<void>;
}

interface MeshOptions {
  /** By service or worker; those that are not listed share one process, `others-1`. Default: one of each. */
  readonly processes?: Readonly<Record<string, number>>;
  readonly env?: Readonly<Record<string, string>>;
}

const log = pino({ level: "silent" });

/**
 * A process takes a second of CPU time to start and a hundredth of a core while it is idle, so a test gives processes of
 * their own only to the services that it kills, pauses or measures.
 */
export async function startMesh({ processes, env = {} }: MeshOptions = {}): Promise<TestMesh> {
  await using started = new AsyncDisposableStack();
  const servers = await startServers(started);
  const { database, nats, redis, smtp } = servers;
  const full: Record<string, string> = { ...servers.env, APP_PORT: String(await findFreePort()), ...env };
  const mesh = await startProcesses({
    ...{ env: full, log, print: () => undefined, release: process.env.TEST_RELEASE },
    processes: processes === undefined ? processesOfEach(1) : { ...processes, others: 1 },
  });
  started.defer(mesh.stop);
  const gateways = mesh.urls.map(createApiClient);
  const parts = started.move();
  return {
    ...{ env: full, gateways, admin: firstAdmin, database, nats, redis, smtp, mails: smtp.mails },
    api: gateways[0] as ApiClient,
    secretKey: full.SECRET_KEY ?? "",
    names: () => mesh.children().map((child) => child.name),
    ...processesOf(mesh),
    settled: () => settled(database, nats.url),
    publish: (event) => publish(nats.url, event),
    stop: () => parts.disposeAsync(),
  };
}

async function settled(database: TestDatabase, natsUrl: string): Promise<void> {
  await outboxesEmpty(database);
  await onBus(natsUrl, async (connection) => {
    const manager = await connection.jetstreamManager();
    const handled = async () => {
      const streams = await manager.streams.list().next();
      const consumers = await Promise.all(streams.map(({ config }) => manager.consumers.list(config.name).next()));
      return consumers.flat().every(({ num_pending, num_ack_pending }) => num_pending + num_ack_pending === 0);
    };
    // What a killed node held is delivered again after 30 s.
    await eventually("all events handled", handled);
  });
}

/** Without a message id: the stream can't tell that it has the event already. */
async function publish(natsUrl: string, event: MeshEvent): Promise<void> {
  await onBus(natsUrl, (connection) => connection.jetstream().publish(subjectOf(event), JSON.stringify(event)));
}

async function onBus(natsUrl: string, work: (connection: NatsConnection) => Promise<unknown>): Promise<void> {
  const connection = await connect(natsOptions(natsUrl));
  await work(connection).finally(() => connection.close());
}

function processesOf(mesh: RunningMesh) {
  const child = (name: string) => {
    const found = mesh.children().find((one) => one.name === name);
    if (!found) throw new Error(`No process ${name} in this mesh`);
    return found;
  };
  return {
    pid: (name: string) => child(name).process.pid ?? 0,
    async kill(name: string) {
      const { process } = child(name);
      const gone = new Promise((resolve) => process.once("exit", resolve));
      process.kill("SIGKILL");
      await gone;
    },
    pause: (name: string) => void child(name).process.kill("SIGSTOP"),
    resume: (name: string) => void child(name).process.kill("SIGCONT"),
    restart: async (name: string) => void (await mesh.restart(name)),
    async replace(name: string, env: Readonly<Record<string, string>>) {
      await child(name).stop();
      await mesh.restart(name, env);
    },
  };
}
