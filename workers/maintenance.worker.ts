import type { ServiceSchema } from "moleculer";
import { isBusError } from "../lib/actions/bus-errors.ts";
import { type ActionName, type Call, contracts } from "../lib/actions/typed-call.ts";
import { newId } from "../lib/runtime/ids.ts";
import type { Platform } from "../lib/runtime/platform.ts";
import { worker } from "../mixins/worker.mixin.ts";

const MINUTE_MS = 60_000;
/** Also how long who wants to be forgotten at once waits. */
const ERASE_EVERY_MS = 5_000;

const schedules = [
  ...everywhere("sweep", 5 * MINUTE_MS),
  ...everywhere("rotateKeys", MINUTE_MS),
  ...everywhere("expireSubscriptions", MINUTE_MS),
  ...everywhere("eraseDue", ERASE_EVERY_MS),
];

/** Calls what must be done again and again: expired rows, orphans, keys that are due. */
export default function maintenanceWorker(platform: Platform): ServiceSchema {
  return {
    ...worker(platform, {
      name: "maintenance",
      queue: "maintenance",
      concurrency: 1,
      schedules,
      correlationOf: () => newId(platform.clock, platform.random),
      run: async (job, call) => {
        if (!schedules.some(({ name }) => name === job.name)) return;
        await callOrSkip(call, job.name as ActionName);
      },
    }),
    name: "worker-maintenance",
  };
}

/** Of every service that has the action. */
function everywhere(action: string, everyMs: number) {
  const owners = contracts.filter(({ actions }) => action in actions);
  return owners.map(({ name }) => ({ name: `${name}.${action}`, everyMs }));
}

/** A service that isn't there has its next turn in minutes, and the others must not wait for it. */
async function callOrSkip(call: Call, name: ActionName): Promise<void> {
  try {
    await call(name, {});
  } catch (error) {
    if (!isBusError(error) || !["ServiceNotFoundError", "ServiceNotAvailableError"].includes(error.name)) throw error;
  }
}
