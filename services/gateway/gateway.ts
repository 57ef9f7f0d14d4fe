import type { AddressInfo } from "node:net";
import { Redis } from "ioredis";
import { servicePermissions } from "../../lib/actions/service-permissions.ts";
import { type Call, callAsService } from "../../lib/actions/typed-call.ts";
import type { Timers } from "../../lib/runtime/clock.ts";
import { newId } from "../../lib/runtime/ids.ts";
import { isOnBus, NODE_LEAVING } from "../../lib/runtime/moleculer-internals.ts";
import type { Platform } from "../../lib/runtime/platform.ts";
import type { LeaseHolder } from "../../mixins/lease-holder.mixin.ts";
import { type AuditLog, createAuditLog } from "./api/audit-log.ts";
import { callRoute } from "./api/call-route.ts";
import { createImageUploads, type ImageUploads } from "./api/image-upload.ts";
import { createPageLimit, createRateLimits } from "./api/rate-limits.ts";
import { createAccessTokens } from "./auth/access-token.ts";
import { createEnterTenant } from "./auth/acting-tenant.ts";
import type { AuthenticationDeps } from "./auth/authenticate.ts";
import { createCsrfGuard } from "./auth/csrf.ts";
import { introspect } from "./auth/introspection.ts";
import { createPublishedKeys, type PublishedKeys } from "./auth/published-keys.ts";
import { createServiceSecrets } from "./auth/service-secrets.ts";
import { createSessionCookies } from "./auth/session-cookies.ts";
import { createSessionEvents } from "./events/session-events.ts";
import { basePath } from "./http/base-path.ts";
import { createCors } from "./http/headers.ts";
import { createHttpServer } from "./http/http-server.ts";
import { readPathParams } from "./http/path-params.ts";
import { createHttpMetrics } from "./http-metrics.ts";
import { createPages } from "./pages/pages.ts";
import { routes } from "./routes.ts";
import { createExchanges, type Exchanges } from "./web/exchanges.ts";
import { admittedOf, authenticationOf, createHooks, type Hooks, preparedRouteOf } from "./web/hooks.ts";
import type { WebService } from "./web/module.ts";
import type { WebParts } from "./web/parts.ts";
import { createRequestTrace } from "./web/request-trace.ts";
import { createRouting } from "./web/routing.ts";

export type Gateway = ReturnType<typeof createGateway>;
type Lease = Pick<LeaseHolder, "check" | "isHeld">;

const OVERDUE_CHECK_INTERVAL_MS = 100;
const KEYS_TIMEOUT_MS = 2_000;

/** What the gateway service runs: the parts that serve requests, wired together, and the HTTP server. */
export function createGateway(platform: Platform, service: WebService, lease: Lease) {
  const { config, clock, random, timers, log } = platform;
  const call = callAsService(service.broker, "gateway", newId(clock, random));
  const redis = config.redis.url === undefined ? null : openRedis(config.redis.url);
  const keys = createKeys(platform, call);
  const authentication = createAuthentication(platform, keys, lease);
  const { tokens, cookies, checkLease } = authentication;
  const events = createSessionEvents(timers);
  const uploads = createImageUploads(config.uploads, config.http);
  const metrics = createHttpMetrics(platform.metrics);
  const cors = createCors(platform);

  let isStopping = false;
  service.broker.localBus.once(NODE_LEAVING, () => {
    isStopping = true;
  });
  const unmatched = metrics.route("", "none");
  const isBusUp = () => isOnBus(service.broker);
  // A lease is granted by a write, so that a database that only reads makes the gateway not ready.
  const isReady = () => !isStopping && lease.isHeld() && keys.latest !== null && isBusUp();
  const isRedisUp = () => redis?.status === "ready";
  if (redis) platform.health.add("redis", async () => isRedisUp());
  const inFlight = (): number => exchanges.inFlight;
  const ofPages = { platform, call, keys, tokens, cookies, inFlight, broker: service.broker, isReady, isRedisUp };
  const pages = createPages(ofPages);
  const { errorPage } = pages;
  const exchanges = createExchanges({ ...platform, cors, errorPage, unmatched, isStopping: () => isStopping });
  const overdueCheck = createOverdueCheck(timers, exchanges);

  const auditLog = createAuditLog(platform, service.broker);
  const callDeps = { ...platform, broker: service.broker };
  const web: WebParts = {
    exchanges,
    cors,
    hooks: createWebHooks(platform, { authentication, auditLog, call, redis, uploads }),
    base: basePath(config.http.publicUrl),
    limitPage: createPageLimit(config),
    trace: platform.tracing && createRequestTrace(platform.tracing),
    findPath: createRouting({ metrics, sessionCookies: cookies, publicUrl: config.http.publicUrl }, routes),
    call: (exchange) => callRoute(callDeps, preparedRouteOf(exchange), exchange, admittedOf(exchange)),
    serve: (row, exchange) =>
      row.kind === "page"
        ? pages.handlers[row.page](exchange, readPathParams(exchange.pathParams))
        : events.open(exchange.request, authenticationOf(exchange)),
  };
  const server = createHttpServer({
    config: config.http,
    timers,
    handle: (request, response) => service.httpHandler(request, response),
    newCorrelationId: () => newId(clock, random),
  });
  return {
    web,
    /** Null unless it is listening. */
    get address(): AddressInfo | null {
      return server.address;
    },
    introspect: (ctx: Parameters<typeof introspect>[1]) =>
      introspect({ tokens, checkLease, issuer: config.http.publicUrl }, ctx),
    /** To be called with the entries of the revocation log that have just been applied. */
    onRevoked: events.apply,
    async start(): Promise<void> {
      keys.start();
      events.start();
      overdueCheck.start();
      const { port } = await server.listen();
      log.info({ host: config.http.host, port }, "gateway listening");
    },
    /** Reports "not ready", refuses new connections, and resolves when the running requests are answered. */
    async stop(): Promise<void> {
      isStopping = true;
      keys.stop();
      events.stop();
      await server.close();
      uploads.close();
      auditLog.flush();
      overdueCheck.stop();
      redis?.disconnect();
    },
  };
}

function createAuthentication(
  { config, clock, ring }: Platform,
  keys: PublishedKeys,
  lease: Lease,
): AuthenticationDeps {
  const { publicUrl } = config.http;
  return {
    tokens: createAccessTokens({ keys, clock, issuer: publicUrl, audience: publicUrl }),
    clock,
    cookies: createSessionCookies(config.http, createCsrfGuard(config, ring)),
    checkLease: lease.check,
    authenticateService: createServiceSecrets(config.serviceCredentials, clock),
  };
}

interface WebHooksDeps {
  readonly authentication: AuthenticationDeps;
  readonly auditLog: AuditLog;
  readonly call: Call;
  readonly redis: Redis | null;
  readonly uploads: ImageUploads;
}

function createWebHooks(platform: Platform, { authentication, auditLog, call, redis, uploads }: WebHooksDeps): Hooks {
  const { config, clock } = platform;
  return createHooks({
    config,
    clock,
    authentication,
    enforceRateLimit: createRateLimits(config, redis, routes),
    enterTenant: createEnterTenant(clock, call),
    auditLog,
    permissionsOf: servicePermissions(config),
    uploads,
  });
}

/** Answers overdue requests every 100 ms. */
function createOverdueCheck(timers: Timers, exchanges: Exchanges) {
  let cancel = (): void => undefined;
  const check = (): void => {
    exchanges.answerOverdue();
    cancel = timers.after(OVERDUE_CHECK_INTERVAL_MS, check);
  };
  return { start: check, stop: (): void => cancel() };
}

function createKeys({ clock, timers, log }: Platform, call: Call): PublishedKeys {
  return createPublishedKeys({
    clock,
    timers,
    fetchKeys: () => call("auth.keys", {}, { timeout: KEYS_TIMEOUT_MS }),
    onFailure: (error) =>
      log.debug({ error: (error as Error).message }, "signing key refresh failed, keeping the current keys"),
  });
}

/** Fails fast while Redis is unavailable: rate limits are then counted in memory. */
function openRedis(url: string): Redis {
  const redis = new Redis(url, {
    maxRetriesPerRequest: 1,
    commandTimeout: 200,
    enableOfflineQueue: false,
    retryStrategy: (times) => Math.min(times * 100, 1_000),
  });
  // Without a listener an error would end the process. The state is visible in GET /health.
  redis.on("error", () => undefined);
  return redis;
}
