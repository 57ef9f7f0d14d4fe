import { ServiceBroker } from "moleculer";
import type { Logger } from "pino";
import { type Call, callAsService } from "../../lib/actions/typed-call.ts";
import { type Config, type Environment, readConfig } from "../../lib/config/config.ts";
import { systemClock } from "../../lib/runtime/clock.ts";
import { newId } from "../../lib/runtime/ids.ts";
import { withTimeout } from "../../lib/runtime/timeouts.ts";
import { migrate } from "../migrate/migrate.ts";
import { startEmbedded } from "./embedded.ts";
import { memberOptions } from "./member-options.ts";
import { findLocalMesh } from "./mesh-lock-file.ts";
import { startNode } from "./start-node.ts";
import type { Print } from "./terminal.ts";

interface ConnectOptions {
  readonly env: Environment;
  readonly log: Logger;
  readonly print: Print;
  /** The service that calls; its permissions are in `lib/actions/service-permissions.ts`. */
  readonly caller: string;
}

export interface MeshConnection {
  readonly call: Call;
  /** Without a database URL if a mesh was joined through NATS alone. */
  readonly config: Config;
}

/** All services with tables, so that every event has its consumers; no gateway and no workers. */
const dataServices = ["admin", "auth", "mail", "preferences", "sessions", "users", "webhooks"];

/** For a command that calls services: joins the running mesh, or else starts the services in this process. */
export async function connectToMesh(options: ConnectOptions, stack: AsyncDisposableStack): Promise<MeshConnection> {
  const config = readConfig(options.env);
  const bus = await findBus(config);
  return bus === undefined ? startInProcess(options, stack) : joinMesh(config, bus, options, stack);
}

/** The bus of the configured mesh, or of the one that runs on this machine. */
async function findBus({ nats, database, dataDir }: Config): Promise<string | undefined> {
  if (nats.url !== undefined || database.url !== undefined) return nats.url;
  return (await findLocalMesh(dataDir))?.bus;
}

const TIMEOUT_MS = 10_000;

async function joinMesh(
  config: Config,
  bus: string,
  { log, caller, print }: ConnectOptions,
  stack: AsyncDisposableStack,
): Promise<MeshConnection> {
  print("Joining the running mesh.");
  const broker = new ServiceBroker(memberOptions(config, bus, { log, name: caller }));
  stack.defer(() => broker.stop());
  const found = broker.start().then(() => broker.waitForServices(dataServices, TIMEOUT_MS, 50));
  if (!(await withTimeout(TIMEOUT_MS + 1_000, found)))
    throw new Error(`No mesh responds. These services must be running: ${dataServices.join(", ")}.`);
  return { call: callAsService(broker, caller, newId(systemClock)), config };
}

async function startInProcess(
  { env, log, print, caller }: ConnectOptions,
  stack: AsyncDisposableStack,
): Promise<MeshConnection> {
  const embedded = await startEmbedded({ env, log, print, withNatsAndRedis: false });
  stack.defer(embedded.stop);
  const config = readConfig(embedded.env);
  await migrate(config, (line) => log.info(line));
  const node = await startNode({ config, log, services: dataServices });
  stack.defer(node.stop);
  return { call: callAsService(node.broker, caller, newId(systemClock)), config };
}
