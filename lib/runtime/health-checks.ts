import type { Clock } from "./clock.ts";
import { withTimeout } from "./timeouts.ts";
import { createTtlCache } from "./ttl-cache.ts";

export const dependencies = ["database", "jetstream", "redis", "smtp"] as const;
export type Dependency = (typeof dependencies)[number];

/** The dependencies that a node uses: true if they work. Dependencies that it does not use are absent. */
export type NodeHealth = Readonly<Partial<Record<Dependency, boolean>>>;

export interface HealthChecks {
  /** A node is ready only while its vital dependencies work. A dependency with several checks works if all of them pass. */
  add(dependency: Dependency, check: () => Promise<boolean>, options?: { readonly isVital: boolean }): void;
  /** Result of `$node.dependencies`. Asks each dependency at most once a second. */
  read(): Promise<NodeHealth>;
  isReady(): Promise<boolean>;
}

interface Check {
  readonly dependency: Dependency;
  readonly isVital: boolean;
  run(): Promise<boolean>;
}

const TTL_MS = 1_000;
/** Must stay below the time limit of the probes in k8s/. */
const TIMEOUT_MS = 1_000;

export function createHealthChecks(clock: Pick<Clock, "monotonic">): HealthChecks {
  const checks: Check[] = [];
  const cache = createTtlCache<ReadonlyArray<readonly [Check, boolean]>>(clock, { ttlMs: TTL_MS });
  const readAll = () =>
    cache.read("checks", () => Promise.all(checks.map(async (check) => [check, await passes(check)] as const)));
  return {
    add: (dependency, run, { isVital } = { isVital: false }) => void checks.push({ dependency, run, isVital }),
    async read() {
      const results = await readAll();
      const byName = Map.groupBy(results, ([{ dependency }]) => dependency);
      return Object.fromEntries([...byName].map(([name, ofName]) => [name, ofName.every(([, isUp]) => isUp)]));
    },
    async isReady() {
      return (await readAll()).every(([{ isVital }, isUp]) => isUp || !isVital);
    },
  };
}

async function passes({ run }: Check): Promise<boolean> {
  let isUp = false;
  const work = run().then(
    (result) => {
      isUp = result;
    },
    () => undefined,
  );
  await withTimeout(TIMEOUT_MS, work);
  return isUp;
}
