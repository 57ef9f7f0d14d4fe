import type { ServiceBroker } from "moleculer";
import type { Actions } from "../../lib/actions/typed-call.ts";
import type { Queues } from "../../lib/runtime/platform.ts";
import { listQueues } from "./queues.ts";

type Mesh = Actions["admin.mesh"]["result"];
type OpenBreaker = Mesh["open_breakers"][number];

/** What Moleculer's registry tells of a node; not in its types. */
interface KnownNode {
  readonly id: string;
  readonly available: boolean;
  readonly client?: { readonly version?: string; readonly langVersion?: string };
  readonly metadata?: { readonly version?: string };
  readonly services?: ReadonlyArray<{ readonly name: string; readonly version?: string | number }>;
}

interface KnownAction {
  readonly name: string;
  readonly endpoints?: ReadonlyArray<{ readonly nodeID: string; readonly state: boolean }>;
}

const TIMEOUT_MS = 1_000;

/** Nodes and services as this node sees them; breakers as each node sees them: each has its own. */
export async function describeMesh(broker: ServiceBroker, queues: Queues): Promise<Mesh> {
  const nodes = knownNodes(broker);
  const [open_breakers, depths] = await Promise.all([openBreakers(broker), listQueues(queues)]);
  return { nodes: nodes.map(viewNode), open_breakers, queues: depths };
}

export async function openBreakers(broker: ServiceBroker): Promise<OpenBreaker[]> {
  const available = knownNodes(broker).filter((node) => node.available);
  const seen = await Promise.all(available.map((node) => breakersOf(broker, node.id)));
  return seen.flat();
}

function knownNodes(broker: ServiceBroker): KnownNode[] {
  const registry = broker.registry as unknown as {
    getNodeList(options: { readonly withServices: boolean }): KnownNode[];
  };
  return registry.getNodeList({ withServices: true });
}

async function breakersOf(broker: ServiceBroker, nodeID: string): Promise<OpenBreaker[]> {
  const params = { withEndpoints: true, skipInternal: true };
  const asked = broker.call("$node.actions", params, { nodeID, timeout: TIMEOUT_MS }) as Promise<KnownAction[]>;
  const actions = await asked.catch(() => []);
  return actions.flatMap(({ name, endpoints = [] }) =>
    endpoints.filter((one) => !one.state).map((one) => ({ action: name, node: one.nodeID, seen_by: nodeID })),
  );
}

function viewNode({ id, available, client, metadata, services = [] }: KnownNode): Mesh["nodes"][number] {
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
