import { parseArgs } from "node:util";
import { ConfigError, type Environment, readConfig } from "../lib/config/config.ts";
import { createLog } from "../lib/observability/log.ts";
import { banner } from "./run/banner.ts";
import { startMesh } from "./run/start-mesh.ts";
import { print, runUntilStopped } from "./run/terminal.ts";

/** `npm run mesh [-- --nodes 2]`: the mesh on this machine, with a process for each service and worker. */
async function mesh(env: Environment, nodes: number, stack: AsyncDisposableStack): Promise<void> {
  const log = createLog(readConfig(env).log);
  const running = await startMesh({ env, log, print: print, nodes });
  stack.defer(running.stop);
  const processes = running
    .children()
    .map((child) => [child.name, `process ${child.process.pid}`] as const)
    .sort(([left], [right]) => left.localeCompare(right));
  print(
    banner({
      urls: running.urls,
      admin: running.admin,
      hasMailbox: running.devMailbox !== undefined,
      servers: running.servers,
      processes,
    }),
  );
}

function parseNodes(args: string[]): number {
  const { values } = parseArgs({ args, options: { nodes: { type: "string", default: "1" } } });
  if (!/^[1-9]$/.test(values.nodes)) throw new ConfigError(["--nodes must be a number from 1 to 9."]);
  return Number(values.nodes);
}

await runUntilStopped((stack) => mesh(process.env, parseNodes(process.argv.slice(2)), stack));
