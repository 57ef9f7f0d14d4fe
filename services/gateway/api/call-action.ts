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
  const options = { meta: { ...meta, time_left_ms: timeout }, requestID: meta.correlation_id as string, timeout };
  return broker.call(action, params, nodeID === undefined ? options : { ...options, nodeID }) as PendingCall;
}

const ATTEMPT_TIMEOUT_MS = 1_500;
const MAX_ATTEMPTS = 3;

/**
 * For actions that are idempotent by protocol, such as a refresh: if a node is lost, the call is repeated; if it does not
 * respond for a while, only on another node. A single node that is slow is busy, and the same call again would double its work.
 */
export async function callWithFailover(broker: ServiceBroker, call: ActionCall): Promise<unknown> {
  const tried = new Set<string>();
  const deadline = performance.now() + call.timeout;
  for (let attempt = 1; ; attempt++) {
    const untried = untriedNodes(broker, call.action, tried);
    const isLast = attempt === MAX_ATTEMPTS || untried.length <= 1;
    const left = Math.max(1, Math.ceil(deadline - performance.now()));
    const timeout = isLast ? left : Math.min(ATTEMPT_TIMEOUT_MS, left);
    const pending = send(broker, { ...call, timeout }, tried.size === 0 ? undefined : untried[0]);
    try {
      return await pending;
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !isUnanswered(error) || performance.now() >= deadline) throw error;
      if (pending.ctx?.nodeID) tried.add(pending.ctx.nodeID);
    }
  }
}

function isUnanswered(error: unknown): boolean {
  return isBusError(error) || isError(error, "service_unavailable");
}

function untriedNodes(broker: ServiceBroker, action: string, tried: ReadonlySet<string>): string[] {
  const available = listEndpoints(broker, action).filter((one) => one.isAvailable);
  return available.map(({ id }) => id).filter((id) => !tried.has(id));
}
