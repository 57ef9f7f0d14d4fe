import { Readable } from "node:stream";
import type { ServiceBroker } from "moleculer";
import { type Meta, requireUser } from "../../../lib/actions/caller.ts";
import { entityTag } from "../../../lib/actions/preconditions.ts";
import { REQUEST_TIMEOUT_MS } from "../../../lib/actions/typed-call.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import type { JsonObject } from "../http/json-body.ts";
import type { RequestContext } from "../http/request-context.ts";
import { type HttpResponse, jsonResponse } from "../http/response.ts";
import type { GuardedRoute } from "../routes.types.ts";
import type { Admitted } from "../web/exchange.ts";
import { type ActionCall, callAction, callWithFailover } from "./call-action.ts";
import { createExportResponse, type ReadPage } from "./export-document.ts";
import { toExtensionError } from "./extension-error.ts";
import { createIdempotencyRequest } from "./idempotency-key.ts";
import { readIfMatch } from "./if-match.ts";
import type { PreparedRoute } from "./prepare-route.ts";
import { respond } from "./respond.ts";

export interface CallDeps extends Pick<Platform, "config" | "clock" | "ring"> {
  readonly broker: ServiceBroker;
}

/** What remains for the response after the action has timed out. */
const RESPONSE_MARGIN_MS = 250;

/**
 * Calls the route's action and makes the response from its result. The action is called before the first await, so that
 * the token cannot be revoked between the last check of it and the call.
 */
export async function callRoute(
  deps: CallDeps,
  prepared: PreparedRoute,
  context: RequestContext,
  admitted: Admitted,
): Promise<HttpResponse> {
  const { route } = prepared;
  if (route.kind === "events") throw new Error("An events route calls no action.");
  const meta = createMeta(deps, prepared, context, admitted);
  if (route.kind === "stream")
    return createExportResponse(requireUser(admitted.caller), deps.clock, readExportPages(deps, meta));
  const { params } = admitted;
  const call = { action: route.action, params, meta, timeout: remainingTimeout(deps, prepared, context) };
  if (route.kind === "extension") return callExtension(deps, call);
  const result =
    route.kind === "json" && route.failover
      ? await callWithFailover(deps.broker, call)
      : await callAction(deps.broker, call, () => context.responseHeaders.push("Idempotency-Replayed", "true"));
  if (route.kind === "json" && route.versioned)
    context.responseHeaders.push("ETag", entityTag((result as { readonly updated_at: string }).updated_at));
  return respond(route, adaptResult(prepared, context, params, result), params);
}

async function callExtension({ broker }: CallDeps, call: ActionCall): Promise<HttpResponse> {
  try {
    const result = (await callAction(broker, call)) ?? null;
    if (!(result instanceof Readable)) return jsonResponse(200, result);
    result.destroy();
    throw new Error(`${call.action} returned a stream, which cannot be sent as JSON.`);
  } catch (error) {
    throw toExtensionError(error);
  }
}

function adaptResult(
  { adapters }: PreparedRoute,
  context: RequestContext,
  params: JsonObject,
  result: unknown,
): unknown {
  return adapters.reduceRight(
    (adapted, adapter) => (adapter.result ? adapter.result(adapted, context, params) : adapted),
    result,
  );
}

function createMeta({ ring }: CallDeps, { route }: PreparedRoute, context: RequestContext, admitted: Admitted): Meta {
  const { caller, body, idempotencyKey } = admitted;
  const ifMatch = isVersionedChange(route) ? readIfMatch(context.request.headers["if-match"]) : undefined;
  const meta: Meta = {
    caller,
    correlation_id: context.correlationId,
    client: context.client,
    ...(ifMatch && { if_match: ifMatch }),
  };
  if (idempotencyKey === null || route.kind !== "json" || route.idempotentAction === undefined) return meta;
  const { method, idempotentAction: action } = route;
  const keyed = { caller, ip: context.client.ip, method, path: context.path, action, body };
  return { ...meta, idempotency: createIdempotencyRequest(ring, idempotencyKey, keyed) };
}

function isVersionedChange(route: GuardedRoute): boolean {
  return route.kind === "json" && route.versioned === true && route.method !== "GET";
}

function remainingTimeout(
  { config, clock }: CallDeps,
  { timeout }: PreparedRoute,
  { startedAt }: RequestContext,
): number {
  const remaining = config.http.requestTimeoutMs - (clock.monotonic() - startedAt) - RESPONSE_MARGIN_MS;
  return Math.max(1, Math.min(timeout ?? REQUEST_TIMEOUT_MS, remaining));
}

function readExportPages({ broker }: CallDeps, meta: Meta): ReadPage {
  return (action, params) =>
    callAction(broker, { action, params, meta, timeout: REQUEST_TIMEOUT_MS }) as ReturnType<ReadPage>;
}
