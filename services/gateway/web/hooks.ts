import { type Caller, requireUser, type UserCaller } from "../../../lib/actions/caller.ts";
import { AppError, fieldError } from "../../../lib/actions/errors.ts";
import type { PermissionsOfService } from "../../../lib/actions/service-permissions.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import { findAccessError } from "../../../mixins/middlewares/access.middleware.ts";
import type { AuditLog } from "../api/audit-log.ts";
import { readAlternativeKey, readIdempotencyKey } from "../api/idempotency-key.ts";
import type { ImageUploads } from "../api/image-upload.ts";
import type { PreparedRoute } from "../api/prepare-route.ts";
import type { EnforceRateLimit } from "../api/rate-limits.ts";
import type { EnterTenant } from "../auth/acting-tenant.ts";
import { type Authentication, type AuthenticationDeps, authenticate } from "../auth/authenticate.ts";
import { type JsonObject, readFormOrJsonBody, readJsonBody } from "../http/json-body.ts";
import { readPathParams } from "../http/path-params.ts";
import type { PathParams, RequestContext } from "../http/request-context.ts";
import { readQuery, readWholeQuery } from "../http/target.ts";
import type { GuardedRoute } from "../routes.types.ts";
import type { Admitted, Exchange } from "./exchange.ts";

interface HooksDeps extends Pick<Platform, "config" | "clock"> {
  readonly enforceRateLimit: EnforceRateLimit | null;
  readonly authentication: AuthenticationDeps;
  readonly enterTenant: EnterTenant;
  readonly permissionsOf: PermissionsOfService;
  readonly auditLog: AuditLog;
  readonly uploads: ImageUploads;
}

export type Hooks = ReturnType<typeof createHooks>;

const NO_BODY: JsonObject = Object.freeze({});

/**
 * The steps before an action is called, in the order in which moleculer-web runs them and the API documents their errors.
 * A result is only awaited if it is a promise, because each await costs throughput (docs/decisions/015-moleculer-web.md).
 */
export function createHooks(deps: HooksDeps) {
  return {
    /** 429 if the address has used up its requests. */
    onBeforeCall(exchange: Exchange): Promise<void> | undefined {
      return deps.enforceRateLimit?.(exchange, preparedRouteOf(exchange).route);
    },
    /** Returns what moleculer-web calls the user: the caller, or null if anonymous. Synchronous for a cached token. */
    authenticate(exchange: Exchange): Caller | null | Promise<Caller | null> {
      const result = authenticate(
        deps.authentication,
        preparedRouteOf(exchange).route,
        exchange.request,
        exchange.client.ip,
      );
      return result instanceof Promise
        ? result.then((auth) => storeAuthentication(exchange, auth))
        : storeAuthentication(exchange, result);
    },
    /** Checks the path, then whether the caller may call the action, and only then reads the body. */
    async authorize(exchange: Exchange): Promise<void> {
      const prepared = preparedRouteOf(exchange);
      const auth = authenticationOf(exchange);
      const pathParams =
        prepared.route.kind === "extension" ? exchange.pathParams : readPathParams(exchange.pathParams);
      const callerInTenant = deps.enterTenant(exchange.request, auth.caller);
      const caller = callerInTenant instanceof Promise ? await callerInTenant : callerInTenant;
      assertAccess(deps, prepared, caller);
      if (isInForeignTenant(caller)) await deps.auditLog.recordForeignTenantAccess(exchange, prepared.route, caller);
      const idempotencyKey = readKeyForRoute(prepared.route, exchange);
      const sentBody = readBody(deps, prepared.route, exchange, caller);
      const body = adaptBody(prepared, exchange, caller, sentBody instanceof Promise ? await sentBody : sentBody);
      assertTokenOrFallback(prepared.route, auth, body);
      const params = readParams(prepared, exchange, body, pathParams);
      exchange.admitted = { caller, body, params, idempotencyKey };
    },
    /** To be called when a request has failed. */
    recordRefusal(exchange: Exchange, error: unknown): void {
      const { prepared, auth } = exchange;
      if (prepared) deps.auditLog.recordRefusal(exchange, prepared.route, auth?.caller ?? null, error);
    },
  };
}

export function preparedRouteOf({ prepared }: Exchange): PreparedRoute {
  if (prepared) return prepared;
  throw new Error("No route of an API was found for this request.");
}

export function authenticationOf({ auth }: Exchange): Authentication {
  if (auth) return auth;
  throw new Error("The request has not been authenticated yet.");
}

export function admittedOf({ admitted }: Exchange): Admitted {
  if (admitted) return admitted;
  throw new Error("The request has not been admitted yet.");
}

function storeAuthentication(exchange: Exchange, auth: Authentication): Caller | null {
  exchange.auth = auth;
  return auth.caller.kind === "anonymous" ? null : auth.caller;
}

/** Rejects before the body is read. The node that runs the action checks again. */
function assertAccess({ clock, permissionsOf }: HooksDeps, { access }: PreparedRoute, caller: Caller): void {
  const refusal = findAccessError(access, caller, clock, permissionsOf);
  if (refusal) throw new AppError(refusal);
}

function isInForeignTenant(caller: Caller): caller is UserCaller {
  return caller.kind === "user" && caller.tenant_id !== caller.home_tenant_id;
}

/** The idempotency key; null if there is none, or if the route ignores it. */
function readKeyForRoute(route: GuardedRoute, { request: { headers } }: RequestContext): string | null {
  if (route.kind !== "json" || route.idempotentAction === undefined) return null;
  const key = readIdempotencyKey(headers["idempotency-key"]);
  const otherHeader = route.translate?.idempotencyKeyHeader;
  return key === null && otherHeader ? readAlternativeKey(headers[otherHeader]) : key;
}

function readBody(
  { config, uploads }: HooksDeps,
  route: GuardedRoute,
  { request }: RequestContext,
  caller: Caller,
): JsonObject | Promise<JsonObject> {
  const limit = config.http.jsonBodyMaxBytes;
  if (route.kind === "extension") return route.method === "GET" ? NO_BODY : readJsonBody(request, limit);
  if (route.kind === "redirect" && route.method === "POST") return readFormOrJsonBody(request, limit);
  if (route.kind !== "json" || route.input === "none") return NO_BODY;
  if (route.input !== "body") return uploads.read(request, requireUser(caller).user_id, route.input);
  return (route.acceptsForm ? readFormOrJsonBody : readJsonBody)(request, limit);
}

function adaptBody(
  { route, adapters }: PreparedRoute,
  context: RequestContext,
  caller: Caller,
  sent: JsonObject,
): JsonObject {
  if (route.kind !== "json" || route.input !== "body") return sent;
  return adapters.reduce((body, adapter) => adapter.body?.(body, context, caller) ?? body, sent);
}

/** An invalid token on an `optional` route is an error unless the body has the field that replaces it. */
function assertTokenOrFallback(route: GuardedRoute, { error }: Authentication, body: JsonObject): void {
  const fallback = route.kind === "json" ? route.authFallbackField : undefined;
  if (error && !(fallback !== undefined && Object.hasOwn(body, fallback))) throw error;
}

/** For equal names, a path parameter replaces a field of the body, and that a parameter of the query. */
function readParams(
  { route, queryNames, reservedNames, adapters }: PreparedRoute,
  { request, query }: RequestContext,
  body: JsonObject,
  pathParams: PathParams,
): JsonObject {
  if (route.kind === "extension") return { ...readWholeQuery(query), ...body, ...pathParams };
  for (const name of reservedNames)
    if (Object.hasOwn(body, name)) throw fieldError(name, "unknown_field", "is not a known field");
  const params = { ...readQuery(query, queryNames), ...body, ...pathParams };
  for (const adapter of adapters) Object.assign(params, adapter.params?.(request));
  return params;
}
