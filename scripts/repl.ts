import { userInfo } from "node:os";
import { type Middleware, ServiceBroker } from "moleculer";
import repl from "moleculer-repl";
import type { OperatorCaller } from "../lib/actions/caller.ts";
import { ConfigError, type Environment, readConfig } from "../lib/config/config.ts";
import { createLog } from "../lib/observability/log.ts";
import { brokerOptions } from "../moleculer.config.ts";
import { readMeshLockFile } from "./run/mesh-lock-file.ts";
import { runUntilStopped } from "./run/terminal.ts";

/** `npm run repl`: joins the mesh as an operator. Try `nodes`, `actions`, `call users.counts`. */
async function join(env: Environment, stack: AsyncDisposableStack): Promise<void> {
  const read = readConfig(env);
  const url = read.nats.url ?? (await readMeshLockFile(read.dataDir));
  if (url === undefined)
    throw new ConfigError(["No mesh is running on this machine. Start one with `npm run mesh`, or set NATS_URL."]);
  const config = { ...read, nodeId: undefined, nats: { url } };
  const options = brokerOptions(config, {
    log: createLog({ ...config.log, level: "warn", pretty: true }),
    services: ["repl"],
  });
  const broker = new ServiceBroker({
    ...options,
    middlewares: [...(options.middlewares ?? []), asOperator({ kind: "operator", name: userInfo().username })],
  });
  stack.defer(() => broker.stop());
  await broker.start();
  repl(broker, { customCommands: [], delimiter: "usermesh $" });
}

/** Anyone with the NATS credentials is an operator. */
function asOperator(caller: OperatorCaller): Middleware {
  const wrap =
    (next: ServiceBroker["call"]) =>
    (name: string, params: unknown, opts: { meta?: object } = {}) =>
      (next as (...args: unknown[]) => Promise<unknown>)(name, params, { ...opts, meta: { ...opts.meta, caller } });
  return { name: "Operator", call: wrap as unknown as NonNullable<Middleware["call"]> };
}

await runUntilStopped((stack) => join(process.env, stack));
