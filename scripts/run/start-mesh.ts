import { randomBytes } from "node:crypto";
import { ServiceBroker } from "moleculer";
import type { Logger } from "pino";
import { type Config, type Environment, readConfig, withVariables } from "../../lib/config/config.ts";
import type { DevMailbox } from "../../lib/runtime/platform.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { migrate } from "../migrate/migrate.ts";
import { processEnvironment } from "../secrets/process-secrets.ts";
import { type Child, type ChildSpec, startChild } from "./child.ts";
import { type EmbeddedServers, startEmbedded } from "./embedded.ts";
import { serveMailbox } from "./mailbox-server.ts";
import { type LocalMesh, writeMeshLockFile } from "./mesh-lock-file.ts";
import { findFreePort } from "./port.ts";
import { waitForGateway, waitForNats } from "./ready.ts";
import { type AdminAccount, seedAdmin } from "./seed-admin.ts";
import { selectServices } from "./service-files.ts";
import type { Print } from "./terminal.ts";

const OTHERS = "others";

interface MeshOptions {
  readonly env: Environment;
  readonly log: Logger;
  readonly print: Print;
  /** Processes by service or worker. Those that have no entry run together, in as many as `others` says. */
  readonly processes: Readonly<Record<string, number>>;
  /** The folder of a release to run. Default: the sources. */
  readonly release?: string | undefined;
  /** Called when a process has ended by itself; `name` and `how` make a sentence. Default: prints it. */
  readonly onExit?: (name: string, how: string) => void;
}

export interface RunningMesh {
  readonly config: Config;
  /** Of each gateway. */
  readonly urls: readonly string[];
  readonly admin: AdminAccount;
  readonly servers: EmbeddedServers["servers"];
  readonly devMailbox: DevMailbox | undefined;
  /** The running ones. */
  children(): readonly Child[];
  /** Starts the process of this name again after it exited, with changes to its environment if given. */
  restart(name: string, env?: Environment): Promise<Child>;
  stop(): Promise<void>;
}

/** So many processes of each service and worker. */
export function processesOfEach(count: number): Readonly<Record<string, number>> {
  return Object.fromEntries(selectServices([]).map((service) => [service, count]));
}

/** Starts every service and worker, in processes of their own or together. If it rejects, nothing is left running. */
export async function startMesh(options: MeshOptions): Promise<RunningMesh> {
  const started = new AsyncDisposableStack();
  try {
    return await startAll(options, started);
  } catch (error) {
    await started.disposeAsync();
    throw error;
  }
}

async function startAll(
  { env, log, print, processes, release, onExit = (name, how) => print(`${name} ${how}.`) }: MeshOptions,
  started: AsyncDisposableStack,
): Promise<RunningMesh> {
  await waitForNats(readConfig(env), print);
  const embedded = await startEmbedded({ env, log, print, withNatsAndRedis: true });
  started.defer(embedded.stop);
  const mailbox = embedded.devMailbox && (await serveMailbox(embedded.devMailbox));
  if (mailbox) started.defer(mailbox.close);
  const ports = await findGatewayPorts(readConfig(env), processes.gateway ?? processes[OTHERS] ?? 1);
  const common = withVariables(embedded.env, {
    APP_PORT: String(ports[0]),
    ...(mailbox && { DEV_MAILBOX_URL: mailbox.url }),
    // All gateways must have the same issuer, although they listen on different ports.
    PUBLIC_URL: env.PUBLIC_URL || `http://localhost:${ports[0]}`,
  });
  const config = readConfig(common);
  await migrate(config, (line) => log.info(line));
  if (config.nats.url) started.defer(await writeMeshLockFile(config.dataDir, describeMesh(common, config.nats.url)));
  const children = createChildProcesses({ common, ports, processes, release, onExit });
  started.defer(children.stop);
  print(`Starting ${children.names.length} processes.`);
  await startAllChildren(children);
  const urls = ports.map((port) => `http://localhost:${port}`);
  const admin = await seedAdminOverMesh(config, log);
  await Promise.all(urls.map(waitForGateway));
  return {
    config,
    urls,
    admin,
    servers: embedded.servers,
    devMailbox: embedded.devMailbox,
    children: children.list,
    restart: children.start,
    stop: () => started.disposeAsync(),
  };
}

/** What `npm run node` needs to add a node to this mesh, and where commands join it. */
function describeMesh(env: Environment, bus: string): LocalMesh {
  const shared = [
    ...["DATABASE_URL", "DATABASE_EMBEDDED", "NATS_URL", "REDIS_URL", "SECRET_KEY", "PUBLIC_URL"],
    ...["SMTP_HOST", "SMTP_PORT", "SMTP_TLS", "DEV_MAILBOX_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"],
  ];
  const set = shared.flatMap((name) => (env[name] ? [[name, env[name]] as const] : []));
  return { command: "npm run mesh", bus, env: Object.fromEntries(set) };
}

/**
 * Connects to the database for all processes before it starts the first one: starting, they may take all of the processor.
 * Waits for all before it rejects: a process that is still starting could not be stopped.
 */
async function startAllChildren({ names, prepare, launch }: ChildProcesses): Promise<void> {
  const prepared = await Promise.all(names.map((name) => prepare(name)));
  const outcomes = await Promise.allSettled(prepared.map(launch));
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  if (failure) throw failure.reason;
}

interface ChildProcesses {
  readonly names: readonly string[];
  prepare(name: string, more?: Environment): Promise<PreparedChild>;
  launch(prepared: PreparedChild): Promise<Child>;
  start(name: string, more?: Environment): Promise<Child>;
  list(): readonly Child[];
  /** Gateways first, then workers, then services, so that running work keeps what it needs. */
  stop(): Promise<void>;
}

type PreparedChild = Pick<ChildSpec, "service" | "name" | "env">;

interface ChildProcessesOptions extends Pick<MeshOptions, "processes" | "release"> {
  readonly common: Environment;
  readonly ports: readonly number[];
  readonly onExit: (name: string, how: string) => void;
}

function createChildProcesses({ common, ports, processes, release, onExit }: ChildProcessesOptions): ChildProcesses {
  const running = new Map<string, Child>();
  const names = Object.entries(processes).flatMap(([service, count]) =>
    Array.from({ length: count }, (_, index) => `${service}-${index + 1}`),
  );
  const others = selectServices([]).filter((service) => !(service in processes));
  const onEnd = (name: string, how: string) => {
    running.delete(name);
    onExit(name, how);
  };
  const prepare = async (name: string, more: Environment = {}): Promise<PreparedChild> => {
    const [, service = "", number = "1"] = /^(.*)-(\d+)$/.exec(name) ?? [];
    // The node has the same name in the log, the REPL and the table of processes.
    const NODE_ID = `${name}-${randomBytes(3).toString("hex")}`;
    const APP_PORT = String(ports[Number(number) - 1] ?? ports[0]);
    const all = { ...common, NODE_ID, APP_PORT, ...more };
    if (service === OTHERS) return { service: others.join(","), name, env: all };
    return { service, name, env: await processEnvironment(all, service) };
  };
  const launch = async (prepared: PreparedChild): Promise<Child> => {
    const child = await startChild({ ...prepared, release, onExit: onEnd });
    running.set(prepared.name, child);
    return child;
  };
  const stopAll = (isOne: (child: Child) => boolean) =>
    Promise.all(
      [...running.values()].filter(isOne).map((child) => child.stop().finally(() => running.delete(child.name))),
    );
  return {
    names,
    prepare,
    launch,
    start: async (name, more) => launch(await prepare(name, more)),
    list: () => [...running.values()],
    async stop() {
      await stopAll(({ service }) => service === "gateway");
      await stopAll(({ service }) => service.startsWith("worker-"));
      await stopAll(() => true);
    },
  };
}

async function findGatewayPorts({ http }: Config, count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  for (let next = http.port; ports.length < count; next = (ports.at(-1) ?? next) + 1)
    ports.push(await findFreePort(next, http.host));
  return ports;
}

/** Joins the mesh for this call only. */
async function seedAdminOverMesh(config: Config, log: Logger): Promise<AdminAccount> {
  const broker = new ServiceBroker(brokerOptions({ ...config, nodeId: undefined }, { log, services: ["seed"] }));
  await broker.start();
  try {
    await broker.waitForServices(["auth", "users", "sessions"], 10_000, 50);
    return await seedAdmin(broker, config);
  } finally {
    await broker.stop();
  }
}
