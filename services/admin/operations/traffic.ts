import type { ServiceBroker } from "moleculer";
import { type ActionContext, type Actions, servicesWith } from "../../../lib/actions/typed-call.ts";
import type { CallEdge } from "../../../lib/observability/call-edges.ts";
import type { JournalEntry } from "../../../lib/observability/call-journal.ts";
import { listNodes } from "../../../lib/runtime/moleculer-internals.ts";
import type { EventLog, Queues } from "../../../lib/runtime/platform.ts";
import type { NodeTraffic } from "../../../mixins/bus/node-stats.ts";
import { listQueues } from "./queues.ts";
import { openBreakers } from "./topology.ts";

type Traffic = Actions["admin.traffic"]["result"];
type Journey = Actions["admin.journey"]["result"];
type Requests = Actions["admin.requests"]["result"];

interface TrafficDeps {
  readonly broker: ServiceBroker;
  readonly queues: Queues;
  readonly events: EventLog;
}

const TIMEOUT_MS = 1_000;
const SHOWN_REQUESTS = 50;
/** Of each node, because uninteresting ones are left out afterwards. */
const ASKED_REQUESTS = 4 * SHOWN_REQUESTS;
/** Left out, because the mesh view's own requests and the files of pages would push out everything else. */
const UNINTERESTING = /^GET \/(?!api\/|ext\/)|^GET \/api\/v1\/admin\/(?:mesh|requests)/;

/** The counters of every node since its start, and the backlogs. Rates are the differences between two answers. */
export async function readTraffic(
  { broker, queues, events }: TrafficDeps,
  { call }: Pick<ActionContext, "call">,
): Promise<Traffic> {
  const [nodes, open_breakers, queueStates, outboxes, consumers] = await Promise.all([
    readNodes(broker),
    openBreakers(broker),
    listQueues(queues),
    Promise.all(servicesWith("outbox").map((service) => readOutbox(call, service))),
    events.consumers().then(
      (consumers) => [...consumers],
      () => null,
    ),
  ]);
  return {
    at: new Date().toISOString(),
    nodes: nodes.map(({ edges: _, ...node }) => node),
    edges: sumEdges(nodes.flatMap(({ edges }) => edges)),
    open_breakers,
    queues: queueStates,
    outboxes,
    consumers,
  };
}

/** The steps that the nodes still remember, in the order in which they began. */
export async function readJourney(broker: ServiceBroker, correlationId: string): Promise<Journey> {
  const params = { correlation_id: correlationId };
  const found = await askAll<JournalEntry[]>(broker, "$node.journey", params);
  const steps = found.flatMap(({ node, answer }) => answer.map((entry) => ({ ...entry, node })));
  return { steps: steps.toSorted((one, other) => one.at - other.at).map(viewStep) };
}

/** The latest requests that the gateways have answered, newest first. */
export async function readRequests(broker: ServiceBroker): Promise<Requests> {
  const found = await askAll<JournalEntry[]>(broker, "$node.requests", { limit: ASKED_REQUESTS });
  return found
    .flatMap(({ node, answer }) => answer.map((entry) => ({ ...entry, node })))
    .filter(({ name }) => !UNINTERESTING.test(name))
    .toSorted((one, other) => other.at - one.at)
    .slice(0, SHOWN_REQUESTS)
    .map(viewStep);
}

function viewStep({ at, ...step }: JournalEntry & { readonly node: string }) {
  return { ...step, at: new Date(at).toISOString() };
}

async function readNodes(broker: ServiceBroker) {
  const known = listNodes(broker).map(({ id, available, metadata, services = [] }) => ({
    id,
    available,
    version: metadata?.version ?? null,
    services: services.map(({ name }) => name).filter((name) => !name.startsWith("$")),
  }));
  const nodesWithServices = known
    .filter(({ services }) => services.length > 0)
    .toSorted((one, other) => one.id.localeCompare(other.id));
  return Promise.all(
    nodesWithServices.map(async (node) => {
      const answer = node.available ? await ask<NodeTraffic>(broker, node.id, "$node.traffic", {}) : null;
      return { ...node, edges: answer?.edges ?? [], stats: answer && viewStats(answer) };
    }),
  );
}

function viewStats({ edges: _, buckets, leases, ...stats }: NodeTraffic) {
  return { ...stats, buckets: [...buckets], leases: [...leases] };
}

async function askAll<T>(broker: ServiceBroker, action: string, params: object) {
  const available = listNodes(broker).filter((node) => node.available);
  const answers = await Promise.all(
    available.map(async ({ id }) => ({ node: id, answer: await ask<T>(broker, id, action, params) })),
  );
  return answers.filter((one): one is { node: string; answer: Awaited<T> } => one.answer !== null);
}

/** Null if the node does not answer in time, or runs a version that does not know the action. */
function ask<T>(broker: ServiceBroker, nodeID: string, action: string, params: object): Promise<T | null> {
  return (broker.call(action, params, { nodeID, timeout: TIMEOUT_MS }) as Promise<T>).catch(() => null);
}

async function readOutbox(call: ActionContext["call"], service: string): Promise<Traffic["outboxes"][number]> {
  const backlog = await call(`${service as "users"}.outbox`, {}).catch(() => null);
  return { service, pending: backlog?.pending ?? null, oldest_seconds: backlog?.oldest_seconds ?? null };
}

function sumEdges(edges: readonly CallEdge[]): Traffic["edges"] {
  const groups = Map.groupBy(edges, ({ from, to }) => `${from} ${to}`);
  return [...groups.values()].map((group) => {
    const [{ from, to, buckets }] = group as [CallEdge];
    const sum = (read: (edge: CallEdge) => number) => group.reduce((total, edge) => total + read(edge), 0);
    return {
      from,
      to,
      calls: sum(({ calls }) => calls),
      errors: sum(({ errors }) => errors),
      buckets: buckets.map((_, at) => sum((edge) => edge.buckets[at] ?? 0)),
    };
  });
}
