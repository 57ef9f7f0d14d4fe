import type { AddressInfo } from "node:net";
import { Redis } from "ioredis";
import type { ServiceBroker } from "moleculer";
import { servicePermissions } from "../../lib/actions/service-permissions.ts";
import { callAsService } from "../../lib/actions/typed-call.ts";
import { version } from "../../lib/config/version.ts";
import { newId } from "../../lib/runtime/ids.ts";
import type { Platform } from "../../lib/runtime/platform.ts";
import type { LeaseHolder } from "../../mixins/lease-holder.mixin.ts";
import { createApiHandler } from "./api/api.ts";
import { createAuditLog } from "./api/audit-log.ts";
import { createAvatarUploads } from "./api/avatar-upload.ts";
import { createRateLimits } from "./api/rate-limits.ts";
import { createAccessTokens } from "./auth/access-token.ts";
import { createActingTenants } from "./auth/acting-tenant.ts";
import { introspect } from "./auth/introspection.ts";
import { createOAuthStateCookie } from "./auth/oauth-state-cookie.ts";
import { createOperatorGuard } from "./auth/operator-guard.ts";
import { createPublishedKeys } from "./auth/published-keys.ts";
import { createServiceSecrets } from "./auth/service-secrets.ts";
import { createSessionCookies } from "./auth/session-cookies.ts";
import { createHttpServer } from "./http/http-server.ts";
import { jsonResponse } from "./http/response.ts";
import { createHttpMetrics } from "./http-metrics.ts";
import { assetPage } from "./pages/assets.ts";
import { avatarPage } from "./pages/avatar.ts";
import { devMailPage } from "./pages/dev-mail.ts";
import { docsPage, redocPage } from "./pages/docs.ts";
import { databaseStatusPage, healthPage, livePage, readyPage } from "./pages/health.ts";
import { homePage } from "./pages/home.ts";
import type { Page } from "./pages/html-page.ts";
import { jwksPage } from "./pages/jwks.ts";
import { resetPasswordPage, verifyEmailPage } from "./pages/mailed-links.ts";
import { metricsPage } from "./pages/metrics.ts";
import { createPipeline, type Endpoint } from "./pipeline.ts";
import { type PageName, routes } from "./routes.ts";

export interface Gateway {
  start(): Promise<void>;
  /** Says "not ready", takes nothing new, and resolves when what runs is answered. */
  stop(): Promise<void>;
  introspect(ctx: Parameters<typeof introspect>[1]): ReturnType<typeof introspect>;
  /** Null while it doesn't listen. */
  readonly address: AddressInfo | null;
}

type Lease = Pick<LeaseHolder, "check" | "isReady">;

const SWEEP_EVERY_MS = 100;

/** The parts of the gateway, put together. */
export function createGateway(platform: Platform, broker: ServiceBroker, lease: Lease): Gateway {
  const { config, clock, random, timers, log, ring } = platform;
  const call = callAsService(broker, "gateway", newId(clock, random));
  const metrics = createHttpMetrics(platform.metrics.registry);
  const keys = createPublishedKeys({
    clock,
    timers,
    fetchKeys: () => call("auth.keys", {}, { timeout: 2_000 }),
    onFailure: (error) =>
      log.debug({ error: (error as Error).message }, "signing key refresh failed, keeping the current keys"),
  });
  const tokens = createAccessTokens({ keys, clock, issuer: config.http.publicUrl, audience: config.http.publicUrl });
  const redis = config.redis.url === undefined ? null : openRedis(config.redis.url);
  const limits = createRateLimits(config, redis);
  const cookies = createSessionCookies(config, ring);
  const authentication = {
    tokens,
    clock,
    cookies,
    serviceOf: createServiceSecrets(config.serviceCredentials),
    leaseRefusal: (claims: Parameters<Lease["check"]>[0]) => lease.check(claims),
  };
  const guard = createOperatorGuard(config);
  let stopping = false;
  const isBusUp = () => config.nats.url === undefined || isConnected(broker);
  const health = {
    config,
    clock,
    version,
    guard,
    call,
    isBusUp,
    isReady: () => !stopping && lease.isReady() && keys.latest !== null && isBusUp(),
    isRedisUp: () => redis?.status === "ready",
  };
  const pages: Readonly<Record<PageName, Page>> = {
    home: homePage(version),
    health: healthPage(health),
    live: livePage,
    ready: readyPage(health),
    metrics: metricsPage({
      registry: platform.metrics.registry,
      guard,
      tokens,
      queues: platform.queues,
      inFlight: () => pipeline.inFlight,
      isReady: health.isReady,
    }),
    databaseStatus: databaseStatusPage(health),
    jwks: jwksPage(keys),
    openapi: openApiPage(config.http.publicUrl),
    docs: docsPage,
    redoc: redocPage,
    devMail: devMailPage(platform, ({ request }) => guard.allows(request)),
    verifyEmail: verifyEmailPage,
    resetPassword: resetPasswordPage,
    avatar: avatarPage(call),
    asset: assetPage,
  };
  const browserWay = createOAuthStateCookie(config.http.publicUrl);
  const permissionsOf = servicePermissions(config);
  const api = {
    config,
    clock,
    ring,
    broker,
    limits,
    authentication,
    tenants: createActingTenants(clock, call),
    journal: createAuditLog(platform, broker),
    browserWay,
    permissionsOf,
    readAvatar: createAvatarUploads(config.uploads),
  };
  const endpoints = routes.map(
    (route): Endpoint => ({
      method: route.method,
      path: route.path,
      serve: route.kind === "api" ? createApiHandler(api, route) : pages[route.page],
    }),
  );
  const pipeline = createPipeline({ config, clock, random, log, metrics, isStopping: () => stopping }, endpoints);
  const server = createHttpServer({
    config: config.http,
    timers,
    handle: pipeline.handle,
    newCorrelationId: () => newId(clock, random),
  });
  let cancelSweep = (): void => undefined;
  const sweep = (): void => {
    pipeline.sweep();
    cancelSweep = timers.after(SWEEP_EVERY_MS, sweep);
  };
  return {
    get address() {
      return server.address;
    },
    introspect: (ctx) =>
      introspect({ tokens, leaseRefusal: authentication.leaseRefusal, issuer: config.http.publicUrl }, ctx),
    async start() {
      keys.start();
      sweep();
      const { port } = await server.listen();
      log.info({ host: config.http.host, port }, "gateway listening");
    },
    async stop() {
      stopping = true;
      keys.stop();
      await server.close();
      cancelSweep();
      redis?.disconnect();
    },
  };
}

/** Limits must not wait for a Redis that is away: they count in memory then. */
function openRedis(url: string): Redis {
  const redis = new Redis(url, {
    maxRetriesPerRequest: 1,
    commandTimeout: 200,
    enableOfflineQueue: false,
    retryStrategy: (times) => Math.min(times * 100, 1_000),
  });
  // Without a listener an error ends the process; health shows the state.
  redis.on("error", () => undefined);
  return redis;
}

/** Set false by the transporter as soon as NATS is lost. */
function isConnected(broker: ServiceBroker): boolean {
  const transit = broker.transit as unknown as { readonly tx?: { readonly connected?: boolean } } | undefined;
  return transit?.tx?.connected === true;
}

/** Made when it is first asked for: the generator costs a start 100 ms. */
function openApiPage(publicUrl: string): Page {
  let document: Promise<string> | undefined;
  return async () => {
    document ??= import("./openapi/openapi.ts").then(({ openApiDocument }) =>
      openApiDocument(routes, { version, publicUrl }),
    );
    return { ...jsonResponse(200, null), body: await document, cacheControl: "public, max-age=60" };
  };
}
