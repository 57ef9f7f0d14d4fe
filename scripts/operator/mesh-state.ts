import { listNodes } from "../../lib/runtime/moleculer-internals.ts";
import type { NodeStats } from "../../mixins/bus/node-stats.ts";
import type { Operator } from "./operator.ts";

export const SERVICES = ["admin", "auth", "gateway", "mail", "preferences", "sessions", "users", "webhooks"] as const;
export const WORKERS = [
  "worker-mail",
  "worker-maintenance",
  "worker-pictures",
  "worker-push",
  "worker-webhooks",
] as const;
const ours: ReadonlySet<string> = new Set([...SERVICES, ...WORKERS]);

/** False for a node of another team, which has no statistics. */
export function isOurs({ services }: Pick<MeshNode, "services">): boolean {
  return services.some((name) => ours.has(name));
}

export interface MeshNode {
  readonly id: string;
  readonly available: boolean;
  readonly version: string | null;
  /** Without Moleculer's own; a worker has one of its name. */
  readonly services: readonly string[];
  /** Null if the node does not answer, or is not ours. */
  readonly stats: NodeStats | null;
}

/** The nodes that offer services; commands that have joined do not. */
export async function readMesh({ broker, stats }: Operator): Promise<MeshNode[]> {
  const nodes = listNodes(broker)
    .map(({ id, available, metadata, services = [] }) => ({
      id,
      available,
      version: metadata?.version ?? null,
      services: services.map(({ name }) => name).filter((name) => !name.startsWith("$")),
    }))
    .filter(({ services }) => services.length > 0)
    .toSorted((left, right) => left.id.localeCompare(right.id));
  return Promise.all(
    nodes.map(async (node) => ({ ...node, stats: node.available && isOurs(node) ? await stats(node.id) : null })),
  );
}
