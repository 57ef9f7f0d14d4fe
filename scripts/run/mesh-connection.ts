import { connect } from "node:net";
import { ServiceBroker } from "moleculer";
import type { Logger } from "pino";
import { type Call, callAsService } from "../../lib/actions/typed-call.ts";
import { type Config, type Environment, readConfig } from "../../lib/config/config.ts";
import { systemClock } from "../../lib/runtime/clock.ts";
import { newId } from "../../lib/runtime/ids.ts";
import { withTimeout } from "../../lib/runtime/timeouts.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { migrate } from "../migrate.ts";
import { startEmbedded } from "./embedded.ts";
import { readMeshLockFile } from "./mesh-lock-file.ts";
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
const dataServices = ["admin", "auth", "mail", "preferences", "sessions", "users"];

/** For a command that calls services: joins the running mesh, or else starts the services in this process. */
export async function connectToMesh(options: ConnectOptions, stack: AsyncDisposableStack): Promise<MeshConnection> {
  const config = readConfig(options.env);
  const natsUrl = config.nats.url ?? (config.database.url === undefined ? await findLocalMesh(config) : undefined);
  return natsUrl === undefined
    ? startInProcess(options, stack)
    : joinMesh({ ...config, nodeId: undefined, nats: { url: natsUrl } }, options, stack);
}

/** A killed mesh leaves its lock file behind, so the port is probed. */
async function findLocalMesh({ dataDir }: Config): Promise<string | undefined> {
  const url = await readMeshLockFile(dataDir);
  if (url === undefined) return undefined;
  const { hostname, port } = new URL(url);
  return (await isOpen(hostname, Number(port))) ? url : undefined;
}

async function isOpen(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port, timeout: 1_000 });
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once("connect", () => resolve(true));
  socket.once("error", () => resolve(false));
  socket.once("timeout", () => resolve(false));
  return promise.finally(() => socket.destroy());
}

const TIMEOUT_MS = 10_000;

async function joinMesh(
  config: Config,
  { log, caller, print }: ConnectOptions,
  stack: AsyncDisposableStack,
): Promise<MeshConnection> {
  print("Joining the running mesh.");
  const broker = new ServiceBroker(brokerOptions(config, { log, services: [caller] }));
  stack.defer(() => broker.stop());
  const found = broker.start().then(() => broker.waitForServices(dataServices, TIMEOUT_MS, 50));
  if (!(await withTimeout(TIMEOUT_MS + 1_000, found)))
    throw new Error(`No mesh responds over NATS. These services must be running: ${dataServices.join(", ")}.`);
  return { call: callAsService(broker, caller, newId(systemClock)), config };
}

async function startInProcess(
  { env, log, print, caller }: ConnectOptions,
  stack: AsyncDisposableStack,
): Promise<MeshConnection> {
  const embedded = await startEmbedded({ env, log, print, withNatsAndRedis: false }).catch(explainLock);
  stack.defer(embedded.stop);
  const config = readConfig(embedded.env);
  await migrate(config, (line) => log.info(line));
  const node = await startNode({ config, log, services: dataServices });
  stack.defer(node.stop);
  return { call: callAsService(node.broker, caller, newId(systemClock)), config };
}

/** The services of `npm start` call each other within their process, so other processes can't join them. */
function explainLock(error: unknown): never {
  const { message } = error as Error;
  if (!message.startsWith("another usermesh is running")) throw error;
  throw new Error(
    `${message}.\nThe services of \`npm start\` can't be joined: stop it (Ctrl-C), repeat this command, then start it again. ` +
      "A mesh (`npm run mesh`, or NATS_URL) can be joined while it runs.",
  );
}
