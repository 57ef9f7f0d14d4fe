import type { ServiceBroker } from "moleculer";
import { contracts } from "../../../lib/actions/typed-call.ts";
import type { Config } from "../../../lib/config/config.ts";
import { dependencies, type NodeHealth } from "../../../lib/runtime/health-checks.ts";
import { isOnBus, listNodes } from "../../../lib/runtime/moleculer-internals.ts";
import { queueNames } from "../../../lib/runtime/platform.ts";

/** `unknown`: no node that uses it answers. */
export type State = "up" | "down" | "embedded" | "unknown";

export interface MeshHealth {
  readonly dependencies: Readonly<Record<(typeof dependencies)[number] | "nats", State>>;
  /** The number of nodes that run each service and worker. */
  readonly services: Readonly<Record<string, number>>;
}

interface MeshHealthDeps {
  readonly config: Config;
  readonly broker: ServiceBroker;
  isRedisUp(): boolean;
}

const TIMEOUT_MS = 1_500;
/** `api` is what moleculer-web calls the actions of the gateway. */
const services = contracts.map(({ name }) => name).filter((name) => name !== "api");
const expected = [...services, ...queueNames.map((name) => `worker-${name}`)];

/**
 * Reads the health of the mesh: one node per service is asked about the dependencies that it uses. While NATS is down no node
 * can be asked, so everything else keeps its last known state.
 */
export function createMeshHealth(deps: MeshHealthDeps): () => Promise<MeshHealth> {
  let last: MeshHealth | undefined;
  return async () => {
    const isBusUp = isOnBus(deps.broker);
    if (last === undefined || isBusUp) last = await ask(deps);
    const nats = stateOf(deps.config.nats.url !== undefined, isBusUp);
    return { ...last, dependencies: { ...last.dependencies, nats } };
  };
}

async function ask({ config, broker, isRedisUp }: MeshHealthDeps): Promise<MeshHealth> {
  const nodes = listNodes(broker).filter(({ available }) => available);
  const nodesOf = (service: string) =>
    nodes.filter(({ services = [] }) => services.some(({ name }) => name === service));
  const asked = new Set(expected.flatMap((service) => nodesOf(service).slice(0, 1)).map(({ id }) => id));
  const reports = await Promise.all([...asked].map((id) => askNode(broker, id)));
  const own: NodeHealth = config.redis.url === undefined ? {} : { redis: isRedisUp() };
  const states = dependencies.map((name) => [name, judge(config, name, [own, ...reports])] as const);
  return {
    dependencies: { ...Object.fromEntries(states), nats: "up" } as MeshHealth["dependencies"],
    services: Object.fromEntries(expected.map((service) => [service, nodesOf(service).length])),
  };
}

function askNode(broker: ServiceBroker, nodeID: string): Promise<NodeHealth> {
  const response = broker.call("$node.dependencies", {}, { nodeID, timeout: TIMEOUT_MS }) as Promise<NodeHealth>;
  return response.catch(() => ({}));
}

function judge(config: Config, name: (typeof dependencies)[number], reports: readonly NodeHealth[]): State {
  const said = reports.flatMap((report) => report[name] ?? []);
  if (said.includes(false)) return "down";
  if (name === "jetstream" && config.nats.url === undefined) return "embedded";
  if (name === "redis" && config.redis.url === undefined) return "embedded";
  if (said.length === 0) return "unknown";
  return name === "database" && config.database.embedded ? "embedded" : "up";
}

function stateOf(isExternal: boolean, isUp: boolean): State {
  if (!isExternal) return "embedded";
  return isUp ? "up" : "down";
}
