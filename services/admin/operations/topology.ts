import type { ServiceBroker } from "moleculer";
import type { Actions } from "../../../lib/actions/typed-call.ts";
import { listNodes, type RegistryNode } from "../../../lib/runtime/moleculer-internals.ts";
import type { Queues } from "../../../lib/runtime/platform.ts";
import { listQueues } from "./queues.ts";

type Mesh = Actions["admin.mesh"]["result"];
type OpenBreaker = Mesh["open_breakers"][number];

/** Result of Moleculer's `$node.actions`. */
interface RegistryAction {
  readonly name: string;
  /** `state` is false while the circuit breaker for this action on this node is open. */
  readonly endpoints?: ReadonlyArray<{ readonly nodeID: string; readonly state: boolean }>;
}

const TIMEOUT_MS = 1_000;

/**
 * Nodes and services as this node sees them. Each node has its own circuit breakers, so every node is asked for them.
 */
export async function describeMesh(broker: ServiceBroker, queues: Queues): Promise<Mesh> {
  const nodes = listNodes(broker);
  const [open_breakers, queueStates] = await Promise.all([openBreakers(broker), listQueues(queues)]);
  return { nodes: nodes.map(viewNode), open_breakers, queues: queueStates };
}

export async function openBreakers(broker: ServiceBroker): Promise<OpenBreaker[]> {
  const available = listNodes(broker).filter((node) => node.available);
  const breakers = await Promise.all(available.map((node) => breakersOf(broker, node.id)));
  return breakers.flat();
}

async function breakersOf(broker: ServiceBroker, nodeID: string): Promise<OpenBreaker[]> {
  const params = { withEndpoints: true, skipInternal: true };
  const response = broker.call("$node.actions", params, { nodeID, timeout: TIMEOUT_MS }) as Promise<RegistryAction[]>;
  const actions = await response.catch(() => []);
  return actions.flatMap(({ name, endpoints = [] }) =>
    endpoints
      .filter(({ state }) => !state)
      .map((endpoint) => ({ action: name, node: endpoint.nodeID, seen_by: nodeID })),
  );
}

function viewNode({ id, available, client, metadata, services = [] }: RegistryNode): Mesh["nodes"][number] {
  return {
    id,
    available,
    services: services
      .filter(({ name }) => !name.startsWith("$"))
      .map(({ name, version = metadata?.version }) => ({
        name,
        version: version === undefined ? null : String(version),
      })),
    runtime: client?.langVersion ?? null,
    moleculer: client?.version ?? null,
  };
}
