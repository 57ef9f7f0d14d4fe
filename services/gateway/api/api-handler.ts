import type { ServiceBroker } from "moleculer";
import { type Caller, type Meta, requireUser, type UserCaller } from "../../../lib/actions/caller.ts";
import type { ActionDef } from "../../../lib/actions/contract.ts";
import { AppError, fieldError } from "../../../lib/actions/errors.ts";
import type { PermissionsOfService } from "../../../lib/actions/service-permissions.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import { findAccessError } from "../../../mixins/access.middleware.ts";
import type { EnterTenant } from "../auth/acting-tenant.ts";
import { type Authentication, type AuthenticationDeps, authenticate } from "../auth/authenticate.ts";
import { type JsonObject, readFormOrJsonBody, readJsonBody } from "../http/json-body.ts";
import type { Handler, PathParams, RequestContext } from "../http/request-context.ts";
import type { HttpResponse } from "../http/response.ts";
import { readQuery } from "../http/target.ts";
import type { ApiRoute } from "../routes.types.ts";
import type { AuditLog } from "./audit-log.ts";
import type { ReadAvatar } from "./avatar-upload.ts";
import { callAction, callWithFailover } from "./call-action.ts";
import { createExportResponse, type ReadPage } from "./export-document.ts";
import { createIdempotencyRequest, readAlternativeKey, readIdempotencyKey } from "./idempotency-key.ts";
import { type HookDeps, type PreparedRoute, prepareRoute } from "./prepare-route.ts";
import type { EnforceRateLimit } from "./rate-limits.ts";
import { respond } from "./respond.ts";

export interface ApiDeps extends HookDeps, Pick<Platform, "config" | "clock" | "ring"> {
  readonly broker: ServiceBroker;
  readonly enforceRateLimit: EnforceRateLimit | null;
  readonly authentication: AuthenticationDeps;
  readonly enterTenant: EnterTenant;
  readonly permissionsOf: PermissionsOfService;
  readonly auditLog: AuditLog;
  readonly readAvatar: ReadAvatar;
}

const BUS_TIMEOUT_MS = 5_000;
/** What remains for the response after the action has timed out. */
const RESPONSE_MARGIN_MS = 250;
const NO_BODY: JsonObject = Object.freeze({});

/** Serves a route by these steps, in the order in which the API documents their errors. */
export function createApiHandler(deps: ApiDeps, route: ApiRoute): Handler {
  const prepared = prepareRoute(deps, route);
  return async (context, pathParams) => {
    if (deps.enforceRateLimit) await deps.enforceRateLimit(context, route);
    // Synchronous for a cached token.
    const authenticated = authenticate(deps.authentication, route, context.request);
    const auth = authenticated instanceof Promise ? await authenticated : authenticated;
    try {
      return await serve(deps, prepared, { context, pathParams, auth });
    } catch (error) {
      deps.auditLog.recordRefusal(context, route, auth.caller, error);
      throw error;
    }
  };
}

interface AuthenticatedRequest {
  readonly context: RequestContext;
  readonly pathParams: PathParams;
  readonly auth: Authentication;
}

async function serve(deps: ApiDeps, prepared: PreparedRoute, request: AuthenticatedRequest): Promise<HttpResponse> {
  const { route } = prepared;
  const { context, pathParams, auth } = request;
  const caller = await deps.enterTenant(context.request, auth.caller);
  authorize(deps, prepared, caller);
  if (isInForeignTenant(caller)) await deps.auditLog.recordForeignTenantAccess(context, route, caller);
  const idempotencyKey = readRouteKey(route, context);
  const body = applyBodyHooks(prepared, context, caller, await readBody(deps, route, context));
  assertTokenOrFallback(route, auth, body);
  const params = readParams(prepared, context, body, pathParams);
  // Reading the body may have taken seconds. There is no await between this check and the call.
  auth.recheck();
  return callAndRespond(deps, prepared, { context, caller, body, params, idempotencyKey });
}

/** Rejects before the body is read. The node that runs the action checks again. */
function authorize(deps: ApiDeps, { def }: PreparedRoute, caller: Caller): void {
  const refusal = findAccessError(def.access, caller, deps.clock, deps.permissionsOf);
  if (refusal) throw new AppError(refusal);
}

function isInForeignTenant(caller: Caller): caller is UserCaller {
  return caller.kind === "user" && caller.tenant_id !== caller.home_tenant_id;
}

function readRouteKey(route: ApiRoute, { request: { headers } }: RequestContext): string | null {
  if (route.kind !== "json" || route.idempotentAction === undefined) return null;
  const key = readIdempotencyKey(headers["idempotency-key"]);
  const otherHeader = route.translate?.idempotencyKeyHeader;
  return key === null && otherHeader ? readAlternativeKey(headers[otherHeader]) : key;
}

function readBody(deps: ApiDeps, route: ApiRoute, { request }: RequestContext): JsonObject | Promise<JsonObject> {
  if (route.kind !== "json" || route.input === "none") return NO_BODY;
  if (route.input === "file") return deps.readAvatar(request);
  return (route.acceptsForm ? readFormOrJsonBody : readJsonBody)(request, deps.config.http.jsonBodyMaxBytes);
}

function applyBodyHooks(
  { route, hooks }: PreparedRoute,
  context: RequestContext,
  caller: Caller,
  sent: JsonObject,
): JsonObject {
  if (route.kind !== "json" || route.input !== "body") return sent;
  return hooks.reduce((body, hook) => hook.body?.(body, context, caller) ?? body, sent);
}

/** An invalid token on an `optional` route is an error unless the body has the field that replaces it. */
function assertTokenOrFallback(route: ApiRoute, { error }: Authentication, body: JsonObject): void {
  const fallback = route.kind === "json" ? route.authFallbackField : undefined;
  if (error && !(fallback !== undefined && Object.hasOwn(body, fallback))) throw error;
}

function readParams(
  { queryNames, reservedNames, hooks }: PreparedRoute,
  { request, query }: RequestContext,
  body: JsonObject,
  pathParams: PathParams,
): JsonObject {
  for (const name of reservedNames)
    if (Object.hasOwn(body, name)) throw fieldError(name, "unknown_field", "is not a known field");
  const params = { ...body, ...readQuery(query, queryNames), ...pathParams };
  for (const hook of hooks) Object.assign(params, hook.params?.(request));
  return params;
}

/** What the steps before the call have read and checked. */
interface AdmittedRequest {
  readonly context: RequestContext;
  readonly caller: Caller;
  readonly body: JsonObject;
  readonly params: JsonObject;
  readonly idempotencyKey: string | null;
}

/** Makes the call before its first await, as `recheck` requires. */
async function callAndRespond(
  deps: ApiDeps,
  { route, def, hooks }: PreparedRoute,
  request: AdmittedRequest,
): Promise<HttpResponse> {
  const { context, params } = request;
  const meta = createMeta(deps, route, request);
  if (route.kind === "stream")
    return createExportResponse(requireUser(request.caller), deps.clock, readExportPages(deps, meta));
  const call = { action: route.action, params, meta, timeout: remainingTimeout(deps, def, context) };
  const result =
    route.kind === "json" && route.failover
      ? await callWithFailover(deps.broker, call)
      : await callAction(deps.broker, call, () => context.responseHeaders.push("Idempotency-Replayed", "true"));
  return respond(
    route,
    hooks.reduceRight((changed, hook) => (hook.result ? hook.result(changed, context, params) : changed), result),
    params,
  );
}

function createMeta({ ring }: ApiDeps, route: ApiRoute, request: AdmittedRequest): Meta {
  const { context, caller, body, idempotencyKey } = request;
  const meta: Meta = { caller, correlation_id: context.correlationId, client: context.client };
  if (idempotencyKey === null || route.kind !== "json" || route.idempotentAction === undefined) return meta;
  const { method, idempotentAction: action } = route;
  const keyed = { caller, ip: context.client.ip, method, path: context.path, action, body };
  return { ...meta, idempotency: createIdempotencyRequest(ring, idempotencyKey, keyed) };
}

function remainingTimeout({ config, clock }: ApiDeps, { timeout }: ActionDef, { startedAt }: RequestContext): number {
  const remaining = config.http.requestTimeoutMs - (clock.monotonic() - startedAt) - RESPONSE_MARGIN_MS;
  return Math.max(1, Math.min(timeout ?? BUS_TIMEOUT_MS, remaining));
}

function readExportPages({ broker }: ApiDeps, meta: Meta): ReadPage {
  return (action, params) =>
    callAction(broker, { action, params, meta, timeout: BUS_TIMEOUT_MS }, () => undefined) as ReturnType<ReadPage>;
}
