import { isBuiltin } from "node:module";
import type { Metafile } from "esbuild";
import { needsOf, serviceNeeds } from "../../lib/config/service-needs.ts";

/** What a process with one service or worker loads before it is ready. */
export interface Role {
  readonly files: readonly string[];
  readonly bytes: number;
  readonly packages: readonly string[];
}

type Outputs = Metafile["outputs"];

/** By their names in SERVICES. What a process imports later, when it first needs it, is left out. */
export function rolesOf({ outputs }: Metafile): Record<string, Role> {
  return Object.fromEntries(Object.keys(serviceNeeds).map((name) => [name, roleOf(name, outputs)]));
}

function roleOf(name: string, outputs: Outputs): Role {
  const files = new Set<string>();
  const packages = new Set<string>();
  const add = (path: string): void => {
    if (files.has(path)) return;
    files.add(path);
    for (const { path: imported, kind, external } of outputs[path]?.imports ?? []) {
      if (kind !== "import-statement") continue;
      if (!external) add(imported);
      else if (!isBuiltin(imported)) packages.add(imported);
    }
  };
  for (const source of sourcesOf(name)) add(bundleOf(source, outputs));
  for (const input of [...files].flatMap((path) => Object.keys(outputs[path]?.inputs ?? {}))) {
    const [, bundled] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input) ?? [];
    if (bundled !== undefined) packages.add(bundled);
  }
  const bytes = [...files].reduce((sum, path) => sum + (outputs[path]?.bytes ?? 0), 0);
  return { files: [...files], bytes, packages: [...packages].sort() };
}

/** A node imports its services, and the queues if one of them needs queues. */
function sourcesOf(name: string): string[] {
  const worker = /^worker-(.*)/.exec(name)?.[1];
  const service = worker === undefined ? `services/${name}/${name}.service.ts` : `workers/${worker}.worker.ts`;
  const queues = ["lib/queues/queues.ts", "lib/queues/queues-redis.ts"];
  return ["scripts/node.ts", service, ...(needsOf([name]).queues ? queues : [])];
}

function bundleOf(source: string, outputs: Outputs): string {
  const [path] = Object.entries(outputs).find(([, { entryPoint }]) => entryPoint === source) ?? [];
  if (path === undefined) throw new Error(`${source} was not bundled`);
  return path;
}
