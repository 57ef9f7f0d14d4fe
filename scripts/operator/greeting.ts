import { operatorName } from "../../lib/actions/caller.ts";
import { servicesWith } from "../../lib/actions/typed-call.ts";
import { version } from "../../lib/config/version.ts";
import { isOnBus } from "../../lib/runtime/moleculer-internals.ts";
import { isOurs, type MeshNode, readMesh, SERVICES, WORKERS } from "./mesh-state.ts";
import type { Operator } from "./operator.ts";
import { listQueueWarnings } from "./queue-warnings.ts";

const MAX_OUTBOX_SECONDS = 60;

/** What the REPL prints first: the mesh, its nodes, and what needs attention. */
export async function greet(operator: Operator): Promise<string> {
  const nodes = await readMesh(operator);
  const found = await findWarnings(operator, nodes);
  return [
    `Usermesh ${version}, ${operator.mesh}. You are ${operatorName(operator.caller)}.`,
    describeNodes(nodes),
    ...(found.length === 0 ? ["No warnings."] : found.map((warning) => `Warning: ${warning}`)),
    "Type `help` for the commands, and `users find ada@example.com` or `mesh top` to begin.",
  ].join("\n");
}

function describeNodes(nodes: readonly MeshNode[]): string {
  const up = nodes.filter((node) => node.available);
  const counts = Map.groupBy(
    up.flatMap((node) => node.services).filter((name) => name !== "api"),
    (name) => name,
  );
  const services = [...counts].toSorted(([left], [right]) => left.localeCompare(right));
  return `${up.length} ${up.length === 1 ? "node" : "nodes"}: ${services.map(([name, all]) => (all.length === 1 ? name : `${name} (${all.length})`)).join(", ")}.`;
}

async function findWarnings(operator: Operator, nodes: readonly MeshNode[]): Promise<string[]> {
  if (!isOnBus(operator.broker)) return ["the connection to the mesh is lost."];
  const running = new Set(nodes.filter((node) => node.available).flatMap((node) => node.services));
  const own = nodes.filter(isOurs);
  const versions = new Set(own.flatMap((node) => node.version ?? []));
  return [
    ...[...SERVICES, ...WORKERS].filter((name) => !running.has(name)).map((name) => `no node runs ${name}.`),
    ...own.filter((node) => node.available && node.stats === null).map(({ id }) => `${id} does not answer.`),
    ...(versions.size > 1 ? [`nodes run different versions: ${[...versions].join(", ")}.`] : []),
    ...(await listQueueWarnings(operator)),
    ...(await outboxWarnings(operator)),
  ];
}

async function outboxWarnings({ call }: Operator): Promise<string[]> {
  const backlogs = await Promise.all(
    servicesWith("outbox").map(async (service) => ({
      service,
      oldest: (await call(`${service as "users"}.outbox`, {}).catch(() => null))?.oldest_seconds ?? 0,
    })),
  );
  return backlogs
    .filter(({ oldest }) => oldest > MAX_OUTBOX_SECONDS)
    .map(({ service, oldest }) => `events of ${service} have been waiting for ${Math.round(oldest)} s (\`outbox\`).`);
}
