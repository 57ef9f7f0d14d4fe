import { type Config, type Environment, readConfig } from "../lib/config/config.ts";
import { createLog } from "../lib/observability/log.ts";
import { registerProcessMetrics } from "../lib/observability/metrics.ts";
import { migrate } from "./migrate.ts";
import { banner } from "./run/banner.ts";
import { startEmbedded } from "./run/embedded.ts";
import { withAppPort } from "./run/port.ts";
import { waitForGateway } from "./run/ready.ts";
import { seedAdmin } from "./run/seed-admin.ts";
import { startNode } from "./run/start-node.ts";
import { print, runUntilStopped } from "./run/terminal.ts";

/** `npm start`: everything in this process, with embedded servers for dependencies that are not configured. */
async function start(given: Environment, stack: AsyncDisposableStack): Promise<void> {
  const env = await withAppPort(given);
  const log = createLog(readConfig(env).log);
  const embedded = await startEmbedded({ env, log, print: print, withNatsAndRedis: false });
  stack.defer(embedded.stop);
  const config = readConfig(embedded.env);
  await migrate(config, (line) => log.info(line));
  const node = await startNode({ config, log, services: config.services, mailbox: embedded.devMailbox });
  stack.defer(node.stop);
  registerProcessMetrics(node.platform.metrics.registry);
  const admin = node.services.includes("auth") ? await seedAdmin(node.broker, config) : undefined;
  if (node.services.includes("gateway")) await waitForGateway(localUrl(config));
  print(
    banner({
      urls: [localUrl(config)],
      admin,
      hasMailbox: embedded.devMailbox !== undefined,
      servers: embedded.servers,
    }),
  );
}

function localUrl({ http }: Config): string {
  return `http://${["127.0.0.1", "0.0.0.0", "::"].includes(http.host) ? "localhost" : http.host}:${http.port}`;
}

await runUntilStopped((stack) => start(process.env, stack));
