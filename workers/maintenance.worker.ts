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
  /** Time of the last success by task, in seconds since 1970. */
  const successes = new Map<string, number>();
  platform.metrics.report("maintenance_last_success_timestamp_seconds", () =>
    [...successes].map(([task, at]) => [{ task }, at] as const),
  );
  return worker(platform, {
    name: "maintenance",
    queue: "maintenance",
    concurrency: 1,
    schedules,
    correlationOf: () => newId(platform.clock, platform.random),
    run: async (job, call) => {
      // The queue keeps the schedules of earlier versions, whose actions may no longer exist.
      if (!schedules.some(({ name }) => name === job.name)) return;
      if (await callIfAvailable(call, job.name as ActionName))
        successes.set(job.name, platform.clock.now().getTime() / 1_000);
    },
  });
}

/** One schedule for each service that has the action. */
function schedulesOf(action: string, everyMs: number) {
  const owners = contracts.filter(({ actions }) => action in actions);
  return owners.map(({ name }) => ({ name: `${name}.${action}`, everyMs }));
}

/** False if the service of the action is unavailable, which must not delay the others; the action runs again on schedule. */
async function callIfAvailable(call: Call, name: ActionName): Promise<boolean> {
  try {
    await call(name, {});
    return true;
  } catch (error) {
    if (!isBusError(error) || !["ServiceNotFoundError", "ServiceNotAvailableError"].includes(error.name)) throw error;
    return false;
  }
}
