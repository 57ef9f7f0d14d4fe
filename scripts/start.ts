import type { Logger } from "pino";
import { type Config, type Environment, readConfig } from "../lib/config/config.ts";
import { redirectConsole } from "../lib/observability/console.ts";
import { createLog } from "../lib/observability/log.ts";
import { registerProcessMetrics } from "../lib/observability/metrics.ts";
import { withNodeId } from "../moleculer.config.ts";
import { migrate } from "./migrate/migrate.ts";
import { banner } from "./run/banner.ts";
import { startEmbedded } from "./run/embedded.ts";
import { createLocalBus } from "./run/local-bus.ts";
import { writeMeshLockFile } from "./run/mesh-lock-file.ts";
import { serveNodeHealth } from "./run/node-health.ts";
import { describePort, withAppPort } from "./run/port.ts";
import { waitForGateway } from "./run/ready.ts";
import { seedAdmin } from "./run/seed-admin.ts";
import { selectServices } from "./run/service-files.ts";
import { startNode } from "./run/start-node.ts";
import { explainWaiting, print, runUntilStopped } from "./run/terminal.ts";

/** `npm start`: everything in this process, with embedded servers for dependencies that are not configured. */
async function start(given: Environment, stack: AsyncDisposableStack): Promise<void> {
  const env = await withAppPort(given);
  const first = readConfig(env);
  const { nodeId } = withNodeId(first, selectServices(first.services));
  const log = createLog(first.log).child({ node: nodeId });
  redirectConsole(log);
  const embedded = await startEmbedded({ env, log, print: print, withNatsAndRedis: false });
  stack.defer(embedded.stop);
  const config = { ...readConfig(embedded.env), nodeId };
  await migrateQuietly(config, log);
  const bus = config.nats.url === undefined ? await createLocalBus(config.dataDir) : undefined;
  const services = { services: config.services, mailbox: embedded.devMailbox };
  const starting = startNode({ config, log, ...services, transporter: bus?.transporter });
  const node = await explainWaiting(awaited(config), starting);
  stack.defer(node.stop);
  const recorded = { command: "npm start", bus: bus?.url ?? String(config.nats.url), env: {} };
  stack.defer(await writeMeshLockFile(config.dataDir, recorded));
  registerProcessMetrics(node.platform.metrics.registry);
  const { host, port } = config.nodeHealth;
  if (port !== undefined) stack.defer(await serveNodeHealth(node.broker, node.platform, { host, port }));
  const admin = node.services.includes("auth") ? await seedAdmin(node.broker, config) : undefined;
  if (node.services.includes("gateway")) await waitForGateway(localUrl(config));
  print(
    banner({
      urls: [localUrl(config)],
      port: describePort(given, config.http.port),
      admin,
      hasMailbox: embedded.devMailbox !== undefined,
      servers: embedded.servers,
    }),
  );
}

/** Logs one line for all migrations instead of one each. */
async function migrateQuietly(config: Config, log: Logger): Promise<void> {
  let steps = 0;
  const say = (line: string) => {
    const isStep = /^\w+: \S+$/.test(line);
    if (isStep) steps += 1;
    log[isStep ? "debug" : "warn"](line);
  };
  await explainWaiting(`PostgreSQL at ${hostOf(config.database.url)}`, migrate(config, say));
  if (steps > 0) log.info(`database migrated in ${steps} steps`);
}

function awaited({ nats, redis }: Config): string {
  const servers = [
    ...(nats.url === undefined ? [] : [`NATS at ${hostOf(String(nats.url))}`]),
    ...(redis.url === undefined ? [] : [`Redis at ${hostOf(redis.url)}`]),
  ];
  return servers.join(" and ") || "the services";
}

/** The URL without its credentials, for the terminal. */
function hostOf(url = ""): string {
  return URL.canParse(url) ? new URL(url).host : "its address";
}

function localUrl({ http }: Config): string {
  return `http://${["127.0.0.1", "0.0.0.0", "::"].includes(http.host) ? "localhost" : http.host}:${http.port}`;
}

await runUntilStopped((stack) => start(process.env, stack));
