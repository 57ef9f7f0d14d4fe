import { parseArgs } from "node:util";
import { ConfigError, type Environment, readConfig } from "../lib/config/config.ts";
import { createLog } from "../lib/observability/log.ts";
import { systemTimers } from "../lib/runtime/clock.ts";
import { banner } from "./run/banner.ts";
import { describePort } from "./run/port.ts";
import { processesOfEach, type RunningMesh, startMesh } from "./run/start-mesh.ts";
import { createSupervisor, type Supervisor } from "./run/supervisor.ts";
import { formatTable, print, runUntilStopped } from "./run/terminal.ts";

/**
 * `npm run mesh [-- --nodes 2]`: the mesh on this machine, with a process for each service and worker. A process that ends
 * by itself is started again.
 */
async function mesh(env: Environment, nodes: number, stack: AsyncDisposableStack): Promise<void> {
  const log = createLog(readConfig(env).log).child({ node: "mesh" });
  const supervisor = createSupervisor({
    timers: systemTimers,
    print,
    start: async (name) => (await starting).restart(name),
    onRestarted: async () => print(`\n${formatTable(processRows(await starting, supervisor))}\n`),
  });
  const starting = startMesh({ env, log, print, processes: processesOfEach(nodes), onExit: supervisor.onExit });
  const running = await starting;
  stack.defer(running.stop);
  stack.defer(supervisor.stop);
  print(
    banner({
      urls: running.urls,
      port: describePort(env, running.config.http.port),
      admin: running.admin,
      hasMailbox: running.devMailbox !== undefined,
      servers: running.servers,
      processes: processRows(running, supervisor),
    }),
  );
}

function processRows({ children }: RunningMesh, { restarts }: Supervisor): Array<readonly [string, string]> {
  return children()
    .map(({ name, process: { pid } }): readonly [string, string] => {
      const count = restarts(name);
      const times = count === 1 ? "once" : `${count} times`;
      return [name, `process ${pid}${count === 0 ? "" : `, restarted ${times}`}`];
    })
    .sort(([left], [right]) => left.localeCompare(right));
}

function parseNodes(args: string[]): number {
  const { values } = parseArgs({ args, options: { nodes: { type: "string", default: "1" } } });
  if (!/^[1-9]$/.test(values.nodes)) throw new ConfigError(["--nodes must be a number from 1 to 9."]);
  return Number(values.nodes);
}

await runUntilStopped((stack) => mesh(process.env, parseNodes(process.argv.slice(2)), stack));
