import type { ServiceSchema } from "moleculer";
import { isBusError } from "../lib/actions/bus-errors.ts";
import { type ActionName, type Call, contracts } from "../lib/actions/typed-call.ts";
import { newId } from "../lib/runtime/ids.ts";
import type { Platform } from "../lib/runtime/platform.ts";
import { worker } from "../mixins/worker.mixin.ts";

const MINUTE_MS = 60_000;
/** An immediate erasure normally starts within this time after its request. */
const ERASE_INTERVAL_MS = 5_000;

const schedules = [
  ...schedulesOf("sweep", 5 * MINUTE_MS),
  ...schedulesOf("rotateKeys", MINUTE_MS),
  ...schedulesOf("expireSubscriptions", MINUTE_MS),
  ...schedulesOf("eraseDue", ERASE_INTERVAL_MS),
];

/** Runs the periodic actions of all services: sweeps, key rotation, expiries and erasures. */
export default function maintenanceWorker(platform: Platform): ServiceSchema {
  return worker(platform, {
    name: "maintenance",
    queue: "maintenance",
    concurrency: 1,
    schedules,
    correlationOf: () => newId(platform.clock, platform.random),
    run: async (job, call) => {
      // The queue keeps the schedules of earlier versions, whose actions may no longer exist.
      if (!schedules.some(({ name }) => name === job.name)) return;
      await callIfAvailable(call, job.name as ActionName);
    },
  });
}

/** One schedule for each service that has the action. */
function schedulesOf(action: string, everyMs: number) {
  const owners = contracts.filter(({ actions }) => action in actions);
  return owners.map(({ name }) => ({ name: `${name}.${action}`, everyMs }));
}

/** An unavailable service must not delay the others; its action runs again on schedule. */
async function callIfAvailable(call: Call, name: ActionName): Promise<void> {
  try {
    await call(name, {});
  } catch (error) {
    if (!isBusError(error) || !["ServiceNotFoundError", "ServiceNotAvailableError"].includes(error.name)) throw error;
  }
}
