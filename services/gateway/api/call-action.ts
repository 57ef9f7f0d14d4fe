import type { Context, ServiceBroker } from "moleculer";
import { isBusError } from "../../../lib/actions/bus-errors.ts";
import type { Meta } from "../../../lib/actions/caller.ts";
import { isError } from "../../../lib/actions/errors.ts";
import { listEndpoints } from "../../../lib/runtime/moleculer-internals.ts";

export interface ActionCall {
  readonly action: string;
  readonly params: unknown;
  readonly meta: Meta;
  /** Milliseconds. */
  readonly timeout: number;
}

type PendingCall = Promise<unknown> & { readonly ctx?: Context<unknown, Meta> };

/** Rejects with the action's error. `onReplay` is called if the result or error is the stored one of an earlier request. */
export async function callAction(broker: ServiceBroker, call: ActionCall, onReplay?: () => void): Promise<unknown> {
  const pending = send(broker, call);
  try {
    return await pending;
  } finally {
    if (pending.ctx?.meta.idempotency_replayed) onReplay?.();
  }
}

function send(broker: ServiceBroker, { action, params, meta, timeout }: ActionCall, nodeID?: string): PendingCall {
  const options = { meta, requestID: meta.correlation_id as string, timeout };
  return broker.call(action, params, nodeID === undefined ? options : { ...options, nodeID }) as PendingCall;
}

const ATTEMPT_TIMEOUT_MS = 1_500;
const MAX_ATTEMPTS = 3;

/**
 * For actions that are idempotent by protocol, such as a refresh: if a node does not answer, the call is repeated, on
 * another node if there is one.
 */
export async function callWithFailover(broker: ServiceBroker, call: ActionCall): Promise<unknown> {
  const tried = new Set<string>();
  const timeout = Math.min(ATTEMPT_TIMEOUT_MS, call.timeout);
  for (let attempt = 1; ; attempt++) {
    const pending = send(broker, { ...call, timeout }, untriedNode(broker, call.action, tried));
    try {
      return await pending;
    } catch (error) {
      const isUnanswered = isBusError(error) || isError(error, "service_unavailable");
      if (attempt === MAX_ATTEMPTS || !isUnanswered) throw error;
      if (pending.ctx?.nodeID) tried.add(pending.ctx.nodeID);
    }
  }
}

/** Undefined lets the load balancer choose. */
function untriedNode(broker: ServiceBroker, action: string, tried: ReadonlySet<string>): string | undefined {
  if (tried.size === 0) return undefined;
  return listEndpoints(broker, action).find((one) => one.isAvailable && !tried.has(one.id))?.id;
}
