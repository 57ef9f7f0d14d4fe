import { type Middleware, ServiceBroker } from "moleculer";
import type { OperatorCaller } from "../../lib/actions/caller.ts";
import { ConfigError, type Environment, readConfig } from "../../lib/config/config.ts";
import { createLog } from "../../lib/observability/log.ts";
import { systemTimers } from "../../lib/runtime/clock.ts";
import { listNodes } from "../../lib/runtime/moleculer-internals.ts";
import { withTimeout } from "../../lib/runtime/timeouts.ts";
import { memberOptions } from "../run/member-options.ts";
import { findLocalMesh } from "../run/mesh-lock-file.ts";
import type { Print } from "../run/terminal.ts";
import { createOperator, type Operator } from "./operator.ts";

const START_TIMEOUT_MS = 5_000;
const DISCOVERY_TIMEOUT_MS = 3_000;
const DISCOVERY_POLL_MS = 50;

/** Joins the mesh of NATS_URL, or else the one that runs on this machine. */
export async function joinAsOperator(env: Environment, stack: AsyncDisposableStack, print: Print): Promise<Operator> {
  const config = readConfig(env);
  const local = config.nats.url === undefined ? await findLocalMesh(config.dataDir) : undefined;
  const bus = config.nats.url ?? local?.bus;
  if (bus === undefined)
    throw new ConfigError([
      "No mesh is running on this machine. Start one with `npm start` or `npm run mesh`, or set NATS_URL.",
    ]);
  const log = createLog({ ...config.log, level: "error", pretty: true });
  const options = memberOptions(config, bus, { log, name: "operator" });
  const operator = createOperator(
    new ServiceBroker({ ...options, middlewares: [...(options.middlewares ?? []), asOperator(() => operator.caller)] }),
    local ? `${local.command} on this machine` : `mesh at ${new URL(bus).host}`,
    print,
  );
  const { broker } = operator;
  stack.defer(() => broker.stop());
  const started = broker.start().then(() => true);
  if (!(await withTimeout(START_TIMEOUT_MS, started)))
    throw new Error(`NATS at ${new URL(bus).host} can't be reached. Is NATS_URL right, and is NATS running?`);
  await waitForNodes(broker);
  return operator;
}

/** Nodes answer one after the other. Those that have not after some seconds are missing, which the greeting says. */
async function waitForNodes(broker: ServiceBroker): Promise<void> {
  const deadline = performance.now() + DISCOVERY_TIMEOUT_MS;
  let seen = -1;
  while (performance.now() < deadline) {
    const count = listNodes(broker).length;
    if (count > 1 && count === seen) return;
    seen = count;
    await systemTimers.sleep(count > 1 ? DISCOVERY_POLL_MS * 4 : DISCOVERY_POLL_MS);
  }
}

/** For the REPL's own commands, such as `bench`. */
function asOperator(caller: () => OperatorCaller): Middleware {
  const wrap =
    (next: ServiceBroker["call"]) =>
    (name: string, params: unknown, opts: { meta?: object } = {}) =>
      (next as (...args: unknown[]) => Promise<unknown>)(name, params, {
        ...opts,
        meta: { caller: caller(), ...opts.meta },
      });
  return { name: "Operator", call: wrap as unknown as NonNullable<Middleware["call"]> };
}
