import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { derivedId } from "../../../lib/runtime/ids.ts";
import { openSecret } from "../endpoints/endpoint-secret.ts";
import { disableEndpoint } from "../endpoints/endpoints.repo.ts";
import type { SendRequest, WebhookResponse } from "../sending/send-request.ts";
import { signatureHeaders } from "../sending/signature.ts";
import type { WebhooksDeps } from "../webhooks.deps.ts";
import {
  type Attempt,
  claimFailing,
  giveUp,
  readAttempt,
  recordAttempt,
  recordEndpointFailure,
  recordEndpointSuccess,
} from "./deliveries.repo.ts";
import type { TenantShare } from "./tenant-share.ts";

type Deliver = Actions["webhooks.deliver"];
type Outcome = Deliver["result"];

export interface DeliverDeps extends Pick<WebhooksDeps, "db" | "ring" | "clock"> {
  readonly send: SendRequest;
  readonly tenantShare: TenantShare;
  /** Counts the attempts by outcome. */
  readonly count: (outcome: Outcome["outcome"]) => void;
}

/**
 * One attempt to send a message. No lock is held during the request. If a process dies after the request and before the
 * result is recorded, the job runs again and sends the message again; receivers recognize the repetition by its `webhook-id`.
 */
export async function deliver(deps: DeliverDeps, ctx: ActionContext<Deliver["params"]>): Promise<Outcome> {
  const result = await attempt(deps, ctx);
  deps.count(result.outcome);
  return result;
}

async function attempt(deps: DeliverDeps, ctx: ActionContext<Deliver["params"]>): Promise<Outcome> {
  const { id, run_id, is_last_attempt } = ctx.params;
  const found = await readAttempt(deps.db, id, run_id);
  if (!found) return { outcome: "skipped", error: null };
  if (!found.is_enabled) {
    await giveUp(deps.db, found, "webhook_disabled");
    return { outcome: "skipped", error: null };
  }
  const at = deps.clock.now();
  const isTest = found.event_type === "webhook.test";
  // The last attempt and a test are sent even while the endpoint is failing.
  const needsClaim = found.failing_since !== null && !is_last_attempt && !isTest;
  // Claimed only when the request can begin, since a claim keeps all other messages of the endpoint waiting.
  const response = await deps.tenantShare.run(found.tenant_id, async () =>
    needsClaim && !(await claimFailing(deps.db, found.endpoint_id, at)) ? null : deps.send(toRequest(deps, found, at)),
  );
  if (response === null) return { outcome: "failed", error: "endpoint_failing" };
  if ("retry_in_ms" in response) return { outcome: "postponed", error: null, ...response };
  const duration_ms = deps.clock.now().getTime() - at.getTime();
  const made = { attempt: found, at, duration_ms, response };
  if (isAccepted(response)) return recordSuccess(deps, made);
  return recordFailure(deps, ctx, { ...made, isFinal: is_last_attempt || isTest || response.status === GONE });
}

/** The status by which a receiver says that it wants no more messages (Standard Webhooks). */
const GONE = 410;

function isAccepted({ status = 0 }: WebhookResponse): boolean {
  return status >= 200 && status < 300;
}

function toRequest({ ring }: Pick<DeliverDeps, "ring">, found: Attempt, at: Date) {
  const { endpoint_id, previous_secret, previous_secret_until } = found;
  const isOverlap = previous_secret_until !== null && previous_secret_until > at;
  const sealed = [found.secret, ...(isOverlap && previous_secret !== null ? [previous_secret] : [])];
  const secrets = sealed.map((one) => openSecret(ring, endpoint_id, one));
  const signature = signatureHeaders({ id: found.message_id, at, body: found.payload, secrets });
  const headers = { "content-type": "application/json", "user-agent": "usermesh", ...signature };
  return { url: found.url, headers, body: found.payload };
}

interface AttemptMade {
  readonly attempt: Attempt;
  readonly at: Date;
  readonly duration_ms: number;
  readonly response: WebhookResponse;
}

async function recordSuccess(
  { db }: DeliverDeps,
  { attempt, at, duration_ms, response }: AttemptMade,
): Promise<Outcome> {
  const result = { state: "delivered", status_code: response.status ?? null, error: null, duration_ms, at } as const;
  await db.transaction(async (tx) => {
    await recordAttempt(tx, attempt, result);
    await recordEndpointSuccess(tx, attempt.endpoint_id);
  });
  return { outcome: "delivered", error: null };
}

async function recordFailure(
  deps: DeliverDeps,
  ctx: ActionContext<Deliver["params"]>,
  { attempt, at, duration_ms, response, isFinal }: AttemptMade & { readonly isFinal: boolean },
): Promise<Outcome> {
  const status_code = response.status ?? null;
  const error = response.error ?? `http_${response.status}`;
  const state = isFinal ? "failed" : "pending";
  const endpoint = await deps.db.transaction(async (tx) => {
    await recordAttempt(tx, attempt, { state, status_code, error, duration_ms, at });
    return recordEndpointFailure(tx, attempt.endpoint_id, at);
  });
  const reason = endpoint && reasonToDisable(endpoint.failing_since, at, response);
  if (endpoint && reason) await disable(deps, ctx, attempt, { ...endpoint, reason });
  // Only messages that have used all their attempts become dead letters.
  const isDeadLetter = isFinal && ctx.params.is_last_attempt;
  return { outcome: isFinal && !isDeadLetter ? "given_up" : "failed", error };
}

/** After this time the endpoint is taken to be abandoned, because each further attempt would cost a connection. */
const MAX_FAILING_MS = 5 * 86_400_000;

function reasonToDisable(failingSince: Date | null, at: Date, { status }: WebhookResponse) {
  if (status === GONE) return "gone";
  return failingSince && at.getTime() - failingSince.getTime() > MAX_FAILING_MS ? "failing" : undefined;
}

interface FailingEndpoint {
  readonly failing_since: Date | null;
  readonly updated_at: Date;
  readonly reason: "failing" | "gone";
}

/**
 * Writes the entry of the activity log first, so that no endpoint is disabled without one. The id of the entry is derived
 * from the endpoint and its first failure, so that a repetition does not add a second entry.
 */
async function disable(
  { db, clock }: DeliverDeps,
  { call }: Pick<ActionContext, "call">,
  { endpoint_id, tenant_id }: Attempt,
  { failing_since, updated_at, reason }: FailingEndpoint,
): Promise<void> {
  const since = (failing_since ?? updated_at).toISOString();
  await call("admin.record", {
    id: derivedId(`webhook.disabled ${since}`, endpoint_id),
    tenant_id,
    action: "webhook.disabled",
    actor_id: null,
    user_id: null,
    at: clock.now().toISOString(),
    ip: null,
    details: { webhook_id: endpoint_id, reason, failing_since: since },
  });
  await disableEndpoint(db, { id: endpoint_id, updated_at }, reason);
}
