import type { Context, ServiceBroker } from "moleculer";
import { isBusError } from "../../../lib/actions/bus-errors.ts";
import type { Meta } from "../../../lib/actions/caller.ts";
import { isError } from "../../../lib/actions/errors.ts";

export interface ActionCall {
  readonly action: string;
  readonly params: unknown;
  readonly meta: Meta;
  /** Milliseconds. */
  readonly timeout: number;
}

type Sent = Promise<unknown> & { readonly ctx?: Context<unknown, Meta> };

/** Rejects as the action does; `onReplay` tells of a kept refusal as well as of a kept result. */
export async function callAction(
  broker: ServiceBroker,
  call: ActionCall,
  onReplay: () => void,
  nodeID?: string,
): Promise<unknown> {
  const sent = send(broker, call, nodeID);
  try {
    return await sent;
  } finally {
    if (sent.ctx?.meta.idempotency_replayed) onReplay();
  }
}

function send(broker: ServiceBroker, { action, params, meta, timeout }: ActionCall, nodeID: string | undefined): Sent {
  const requestID = meta.correlation_id as string;
  return broker.call(action, params, { meta, requestID, timeout, ...(nodeID !== undefined && { nodeID }) }) as Sent;
}

const ATTEMPT_MS = 1_500;
const ATTEMPTS = 3;

/**
 * A refresh is repeatable by protocol, so where a node or an answer is lost the client need not notice: it is sent
 * again, each time to another node where there is one.
 */
export async function callWithFailover(broker: ServiceBroker, call: ActionCall): Promise<unknown> {
  const tried = new Set<string>();
  for (let attempt = 1; ; attempt++) {
    const sent = send(
      broker,
      { ...call, timeout: Math.min(ATTEMPT_MS, call.timeout) },
      untriedNode(broker, call.action, tried),
    );
    try {
      return await sent;
    } catch (error) {
      if (attempt === ATTEMPTS || !isLost(error)) throw error;
      if (sent.ctx?.nodeID) tried.add(sent.ctx.nodeID);
    }
  }
}

function isLost(error: unknown): boolean {
  return isBusError(error) || isError(error, "service_unavailable");
}

interface Endpoints {
  readonly endpoints: ReadonlyArray<{ readonly id: string; readonly isAvailable: boolean }>;
}

/** Undefined leaves the choice to the balancer. */
function untriedNode(broker: ServiceBroker, action: string, tried: ReadonlySet<string>): string | undefined {
  if (tried.size === 0) return undefined;
  const registry = broker.registry as unknown as { getActionEndpoints(name: string): Endpoints | undefined };
  const others = registry.getActionEndpoints(action)?.endpoints ?? [];
  return others.find((one) => one.isAvailable && !tried.has(one.id))?.id;
}
