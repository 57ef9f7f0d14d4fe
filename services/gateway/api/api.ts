import type { IncomingMessage } from "node:http";
import type { ServiceBroker } from "moleculer";
import * as z from "zod";
import { type Caller, type Meta, requireUser, type UserCaller } from "../../../lib/actions/caller.ts";
import type { ActionDef } from "../../../lib/actions/contract.ts";
import { AppError, fieldError } from "../../../lib/actions/errors.ts";
import type { PermissionsOfService } from "../../../lib/actions/service-permissions.ts";
import { definitionOf } from "../../../lib/actions/typed-call.ts";
import type { Config } from "../../../lib/config/config.ts";
import type { KeyRing } from "../../../lib/crypto/key-ring.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";
import { refusalOf } from "../../../mixins/access.middleware.ts";
import type { ActingTenants } from "../auth/acting-tenant.ts";
import { type Authentication, type AuthenticationDeps, authenticate } from "../auth/authenticate.ts";
import { inCookies, withHeaders, withRefreshCookie } from "../auth/cookie-mode.ts";
import type { OAuthStateCookie } from "../auth/oauth-state-cookie.ts";
import { toCanonical } from "../compatibility/legacy-routes.ts";
import { type JsonObject, readFormOrJsonBody, readJsonBody } from "../http/json-body.ts";
import type { RequestContext } from "../http/request-context.ts";
import type { HttpResponse } from "../http/response.ts";
import { readQuery } from "../http/target.ts";
import type { ApiRoute } from "../routes.ts";
import type { AuditLog } from "./audit-log.ts";
import type { ReadAvatar } from "./avatar-upload.ts";
import { callAction, callWithFailover } from "./call-action.ts";
import { createExportResponse, type ReadPage } from "./export-document.ts";
import { createIdempotencyRequest, readIdempotencyKey, readRequestId } from "./idempotency-key.ts";
import type { RateLimits } from "./rate-limits.ts";
import { successResponse } from "./success.ts";

export interface ApiDeps {
  readonly config: Config;
  readonly clock: Clock;
  readonly ring: KeyRing;
  readonly broker: ServiceBroker;
  readonly limits: RateLimits | null;
  readonly readAvatar: ReadAvatar;
  readonly authentication: AuthenticationDeps;
  readonly tenants: ActingTenants;
  readonly journal: AuditLog;
  readonly browserWay: OAuthStateCookie;
  readonly permissionsOf: PermissionsOfService;
}

export type ApiHandler = (
  exchange: RequestContext,
  pathParams: Readonly<Record<string, string>>,
) => Promise<HttpResponse>;

/** What a row of the table needs at hand for each request. */
interface PreparedRoute {
  readonly route: ApiRoute;
  readonly def: ActionDef;
  readonly queryNames: readonly string[];
  /** Parameters that come from the path or the browser's cookie, and never as fields. */
  readonly notSent: readonly string[];
}

const BUS_TIMEOUT_MS = 5_000;
const ANSWER_MARGIN_MS = 250;
const NO_BODY: JsonObject = Object.freeze({});

/** The doors of one API route, in their order, and the call behind them. */
export function createApiHandler(deps: ApiDeps, route: ApiRoute): ApiHandler {
  const prepared = prepare(route);
  return async (exchange, pathParams) => {
    if (deps.limits) await takeAllowance(deps.limits, route, exchange);
    const found = authenticate(deps.authentication, route, exchange.request);
    const who = found instanceof Promise ? await found : found;
    try {
      return await serve(deps, prepared, exchange, pathParams, await inNamedTenant(deps, exchange, who));
    } catch (error) {
      if (who.caller.kind === "user") deps.journal.recordRefusal(exchange, route, who.caller, error);
      throw error;
    }
  };
}

async function serve(
  deps: ApiDeps,
  prepared: PreparedRoute,
  exchange: RequestContext,
  pathParams: Readonly<Record<string, string>>,
  who: Authentication,
): Promise<HttpResponse> {
  const { route } = prepared;
  assertPermitted(deps, prepared, who);
  if (actsElsewhere(who.caller)) await deps.journal.recordActing(exchange, route, who.caller);
  const key = route.idempotentAction === undefined ? null : keyOf(route, exchange.request);
  const body = bodyOf(deps, route, exchange, who, await readBody(deps, route, exchange));
  if (who.error && !(route.authFallbackField && Object.hasOwn(body, route.authFallbackField))) throw who.error;
  const browser = route.browser ? deps.browserWay.paramsOf(exchange.request) : {};
  const params = { ...paramsOf(prepared, body, exchange.query, pathParams), ...browser };
  // The body may have come slowly: what was good at the door is looked at again, and sent before anything can change.
  who.recheck();
  if (route.stream)
    return createExportResponse(requireUser(who.caller), deps.clock, readPages(deps, route, exchange, who));
  const result = await send(deps, prepared, exchange, { params, body, key, who });
  return answerOf(deps, route, exchange, result, params);
}

function readPages(deps: ApiDeps, route: ApiRoute, exchange: RequestContext, who: Authentication): ReadPage {
  const meta = metaOf(deps, route, exchange, { params: NO_BODY, body: NO_BODY, key: null, who });
  return (action, params) =>
    callAction(deps.broker, { action, params, meta, timeout: BUS_TIMEOUT_MS }, () => undefined) as ReturnType<ReadPage>;
}

async function inNamedTenant(deps: ApiDeps, { request }: RequestContext, who: Authentication): Promise<Authentication> {
  const { caller } = who;
  if (caller.kind !== "user" || !deps.tenants.isRequested(request, caller)) return who;
  return { ...who, caller: await deps.tenants.enter(request, caller) };
}

function actsElsewhere(caller: Caller): caller is UserCaller {
  return caller.kind === "user" && caller.tenant_id !== caller.home_tenant_id;
}

/** On the paths of a system that had it so, the request's own id makes it safe to repeat. */
function keyOf({ seed }: ApiRoute, { headers }: IncomingMessage): string | null {
  const key = readIdempotencyKey(headers["idempotency-key"]);
  return key === null && seed?.requestIdIsKey ? readRequestId(headers["x-request-id"]) : key;
}

function bodyOf(
  { authentication }: ApiDeps,
  route: ApiRoute,
  { request }: RequestContext,
  who: Authentication,
  sent: JsonObject,
): JsonObject {
  const body = route.seed ? toCanonical(sent, route.seed) : sent;
  if (route.sessionCookies === undefined || route.input !== "body") return body;
  return withRefreshCookie(authentication.cookies, route, request, who, body);
}

function answerOf(
  { authentication: { cookies }, browserWay }: ApiDeps,
  route: ApiRoute,
  { request }: RequestContext,
  result: unknown,
  params: JsonObject,
): HttpResponse {
  const shown = route.sessionCookies === "set" ? inCookies(cookies, route, result, params) : { result, headers: [] };
  const answer = (route.browser ? browserWay.answer : successResponse)(route, shown.result, params);
  const isOver = route.sessionCookies === "clear" && request.headers.cookie !== undefined;
  return withHeaders(answer, isOver ? cookies.clear() : shown.headers);
}

function prepare(route: ApiRoute): PreparedRoute {
  const def = definitionOf(route.action);
  if (!def) throw new Error(`The route ${route.path} refers to an unknown action: ${route.action}`);
  const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
  const notSent = new Set([...inPath, ...(route.browser ? ["browser"] : [])]);
  const shape = def.params instanceof z.ZodObject ? Object.keys(def.params.shape) : [];
  const queryNames = route.input === "query" ? shape.filter((name) => !notSent.has(name)) : [];
  return { route, def, queryNames, notSent: [...notSent].filter((name) => name !== undefined) };
}

async function takeAllowance(limits: RateLimits, route: ApiRoute, exchange: RequestContext): Promise<void> {
  const { headers, error: refusal } = await limits.consume(route.rateLimit, route.action, exchange.client.ip);
  exchange.responseHeaders.push(...headers);
  if (refusal) throw refusal;
}

/** The action's own node looks again; here a refusal comes before the body is read. */
function assertPermitted(deps: ApiDeps, { def }: PreparedRoute, { caller }: Authentication): void {
  const refusal = refusalOf(def.access, caller, deps.clock, deps.permissionsOf);
  if (refusal) throw new AppError(refusal);
}

function readBody(
  { config, readAvatar }: ApiDeps,
  { input, form }: ApiRoute,
  { request }: RequestContext,
): JsonObject | Promise<JsonObject> {
  if (input === "body") return (form ? readFormOrJsonBody : readJsonBody)(request, config.http.jsonBodyMaxBytes);
  return input === "file" ? readAvatar(request).then((images) => ({ ...images })) : NO_BODY;
}

function paramsOf(
  { route, queryNames, notSent }: PreparedRoute,
  body: JsonObject,
  query: string,
  pathParams: Readonly<Record<string, string>>,
): JsonObject {
  if (route.input === "query") return { ...readQuery(query, queryNames), ...pathParams };
  for (const name of notSent)
    if (Object.hasOwn(body, name)) throw fieldError(name, "unknown_field", "is not a known field");
  return { ...body, ...pathParams };
}

interface Request {
  readonly params: JsonObject;
  readonly body: JsonObject;
  readonly key: string | null;
  readonly who: Authentication;
}

/** No await before the call is made: it follows the recheck at once. */
function send(
  deps: ApiDeps,
  { route, def }: PreparedRoute,
  exchange: RequestContext,
  request: Request,
): Promise<unknown> {
  const left = deps.config.http.requestTimeoutMs - (deps.clock.monotonic() - exchange.startedAt) - ANSWER_MARGIN_MS;
  const timeout = Math.max(1, Math.min(def.timeout ?? BUS_TIMEOUT_MS, left));
  const call = { action: route.action, params: request.params, meta: metaOf(deps, route, exchange, request), timeout };
  if (route.failover) return callWithFailover(deps.broker, call);
  return callAction(deps.broker, call, () => exchange.responseHeaders.push("Idempotency-Replayed", "true"));
}

function metaOf({ ring }: ApiDeps, route: ApiRoute, exchange: RequestContext, { body, key, who }: Request): Meta {
  const meta: Meta = { caller: who.caller, correlation_id: exchange.correlationId, client: exchange.client };
  if (key === null || route.idempotentAction === undefined) return meta;
  const { ip } = exchange.client;
  const method = exchange.request.method ?? route.method;
  meta.idempotency = createIdempotencyRequest(ring, key, {
    caller: who.caller,
    ip,
    method,
    path: exchange.path,
    action: route.idempotentAction,
    body,
  });
  return meta;
}
