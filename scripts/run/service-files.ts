import { globSync } from "node:fs";
import { basename, join } from "node:path";
import type { ServiceSchema } from "moleculer";
import { ConfigError } from "../../lib/config/config.ts";
import type { Platform } from "../../lib/runtime/platform.ts";

type Factory = (platform: Platform) => ServiceSchema;

const root = join(import.meta.dirname, "../..");

/** Everything a process can run: services by their folder, workers as `worker-<name>`. The gateway is last, since it needs the others. */
function knownServices(): ReadonlyMap<string, string> {
  const services = globSync("services/*/*.service.ts", { cwd: root }).map(
    (file) => [basename(file, ".service.ts"), file] as const,
  );
  const workers = globSync("workers/*.worker.ts", { cwd: root }).map(
    (file) => [`worker-${basename(file, ".worker.ts")}`, file] as const,
  );
  const byName = [...services, ...workers].sort(
    ([left], [right]) => Number(left === "gateway") - Number(right === "gateway") || left.localeCompare(right),
  );
  return new Map(byName);
}

/** The names in SERVICES, or all if it is empty. Throws on an unknown name. */
export function selectServices(wanted: readonly string[]): readonly string[] {
  const known = [...knownServices().keys()];
  if (wanted.length === 0) return known;
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new ConfigError([`SERVICES has an unknown name: ${unknown.join(", ")}. Known are ${known.join(", ")}.`]);
  return known.filter((name) => wanted.includes(name));
}

export async function loadService(name: string, platform: Platform): Promise<ServiceSchema> {
  const file = knownServices().get(name);
  if (file === undefined) throw new Error(`Unknown service ${name}`);
  const module = (await import(join(root, file))) as { readonly default: Factory };
  return inStartOrder(module.default(platform));
}

/** Moleculer 0.15.2 starts the last mixin first and stops it last. Ours are listed in the order of their start: the database, then what needs it. */
function inStartOrder(schema: ServiceSchema): ServiceSchema {
  return { ...schema, mixins: (schema.mixins ?? []).toReversed() };
}
