import { ServiceBroker } from "moleculer";
import type { Logger } from "pino";
import { type Config, type Environment, readConfig, withVariables } from "../../lib/config/config.ts";
import type { DevMailbox } from "../../lib/runtime/platform.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { migrate } from "../migrate.ts";
import { type Child, startChild } from "./child.ts";
import { type Embedded, startEmbedded } from "./embedded.ts";
import { serveMailbox } from "./mailbox-server.ts";
import { writeMeshLockFile } from "./mesh-lock-file.ts";
import { freePortFrom } from "./port.ts";
import { gatewayReady } from "./ready.ts";
import { seedAdmin } from "./seed-admin.ts";
import { namedServices } from "./service-files.ts";
import type { Say } from "./terminal.ts";

interface MeshOptions {
  readonly env: Environment;
  readonly log: Logger;
  readonly say: Say;
  /** Processes of each service and worker. */
  readonly nodes: number;
}

export interface RunningMesh {
  readonly config: Config;
  /** Of each gateway. */
  readonly urls: readonly string[];
  readonly admin: string;
  readonly parts: Embedded["parts"];
  readonly shownMails: DevMailbox | undefined;
  /** Those that run now. */
  children(): readonly Child[];
  /** Starts the process of this name anew, of one that died or was stopped; with another environment where one is given. */
  restart(name: string, env?: Environment): Promise<Child>;
  stop(): Promise<void>;
}

/** Every service and worker as processes of their own, over servers of this mesh alone. Nothing is left behind when it fails. */
export async function startMesh(options: MeshOptions): Promise<RunningMesh> {
  const started = new AsyncDisposableStack();
  try {
    return await startAll(options, started);
  } catch (error) {
    await started.disposeAsync();
    throw error;
  }
}

async function startAll({ env, log, say, nodes }: MeshOptions, started: AsyncDisposableStack): Promise<RunningMesh> {
  const embedded = await startEmbedded({ env, log, say, servers: true });
  started.defer(embedded.stop);
  const mailbox = embedded.shownMails && (await serveMailbox(embedded.shownMails));
  if (mailbox) started.defer(mailbox.close);
  const ports = await gatewayPorts(readConfig(env), nodes);
  const common = withVariables(embedded.env, {
    APP_PORT: String(ports[0]),
    ...(mailbox && { DEV_MAILBOX_URL: mailbox.url }),
    // One issuer for all of them, whatever port they listen on.
    PUBLIC_URL: env.PUBLIC_URL || `http://localhost:${ports[0]}`,
  });
  const config = readConfig(common);
  await migrate(config, (line) => log.info(line));
  if (config.nats.url) started.defer(await writeMeshLockFile(config.dataDir, config.nats.url));
  const family = childrenOf({ common, ports, nodes, say });
  started.defer(family.stop);
  say(`Starting ${family.names.length} processes.`);
  await allStarted(family);
  const urls = ports.map((port) => `http://localhost:${port}`);
  const admin = await seedOver(config, log);
  await Promise.all(urls.map(gatewayReady));
  return {
    config,
    urls,
    admin,
    parts: embedded.parts,
    shownMails: embedded.shownMails,
    children: family.list,
    restart: family.start,
    stop: () => started.disposeAsync(),
  };
}

/** All, before any failure is told: one that still starts could not be stopped. */
async function allStarted({ names, start }: Family): Promise<void> {
  const outcomes = await Promise.allSettled(names.map((name) => start(name)));
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  if (failure) throw failure.reason;
}

interface Family {
  readonly names: readonly string[];
  start(name: string, more?: Environment): Promise<Child>;
  list(): readonly Child[];
  /** Gateways first, then workers, then the rest: nobody loses what he still needs. */
  stop(): Promise<void>;
}

interface FamilyOptions {
  readonly common: Environment;
  readonly ports: readonly number[];
  readonly nodes: number;
  readonly say: Say;
}

function childrenOf({ common, ports, nodes, say }: FamilyOptions): Family {
  const running = new Map<string, Child>();
  const names = namedServices([]).flatMap((service) =>
    Array.from({ length: nodes }, (_, index) => `${service}-${index + 1}`),
  );
  const onDeath = (name: string, how: string) => {
    running.delete(name);
    say(`${name} ${how}.`);
  };
  const start = async (name: string, more: Environment = {}) => {
    const [, service = "", number = "1"] = /^(.*)-(\d+)$/.exec(name) ?? [];
    const env = { ...common, APP_PORT: String(ports[Number(number) - 1]), ...more };
    const child = await startChild({ service, name, env, onDeath });
    running.set(name, child);
    return child;
  };
  const stopAll = (isOne: (child: Child) => boolean) =>
    Promise.all(
      [...running.values()].filter(isOne).map((child) => child.stop().finally(() => running.delete(child.name))),
    );
  return {
    names,
    start,
    list: () => [...running.values()],
    async stop() {
      await stopAll(({ service }) => service === "gateway");
      await stopAll(({ service }) => service.startsWith("worker-"));
      await stopAll(() => true);
    },
  };
}

async function gatewayPorts({ http }: Config, nodes: number): Promise<readonly number[]> {
  const ports: number[] = [];
  for (let next = http.port; ports.length < nodes; next = (ports.at(-1) ?? next) + 1)
    ports.push(await freePortFrom(next, http.host));
  return ports;
}

/** Joins the mesh for a moment. */
async function seedOver(config: Config, log: Logger): Promise<string> {
  const broker = new ServiceBroker(brokerOptions({ ...config, nodeId: undefined }, { log, services: ["seed"] }));
  await broker.start();
  try {
    await broker.waitForServices(["auth", "users", "sessions"], 10_000, 50);
    return await seedAdmin(broker, config);
  } finally {
    await broker.stop();
  }
}
