import { hostname } from "node:os";
import type { BrokerOptions, Middleware, Transit } from "moleculer";
import type { Logger } from "pino";
import { countsForBreaker, isNodeGone } from "./lib/actions/bus-errors.ts";
import { servicePermissions } from "./lib/actions/service-permissions.ts";
import { REQUEST_TIMEOUT_MS } from "./lib/actions/typed-call.ts";
import { type Config, readConfig } from "./lib/config/config.ts";
import { version } from "./lib/config/version.ts";
import { redirectConsole } from "./lib/observability/console.ts";
import { createLog } from "./lib/observability/log.ts";
import type { Metrics } from "./lib/observability/metrics.ts";
import type { Tracing } from "./lib/observability/tracing.ts";
import { type Clock, type Random, systemClock, systemRandom } from "./lib/runtime/clock.ts";
import type { HealthChecks } from "./lib/runtime/health-checks.ts";
import { BrokerLog } from "./mixins/bus/broker-log.ts";
import { ErrorRegenerator } from "./mixins/bus/error-regenerator.ts";
import { FastDiscoverer } from "./mixins/bus/fast-discoverer.ts";
import { NatsTransporter } from "./mixins/bus/nats-transporter.ts";
import { nodeActions } from "./mixins/bus/node-stats.ts";
import { accessMiddleware } from "./mixins/middlewares/access.middleware.ts";
import { contractMiddleware } from "./mixins/middlewares/contract.middleware.ts";
import { correlationMiddleware } from "./mixins/middlewares/correlation.middleware.ts";
import { drainMiddleware } from "./mixins/middlewares/drain.middleware.ts";
import { errorMiddleware } from "./mixins/middlewares/error.middleware.ts";
import { metricsMiddleware } from "./mixins/middlewares/metrics.middleware.ts";
import { tracingMiddleware } from "./mixins/middlewares/tracing.middleware.ts";

const DRAIN_MS = 10_000;

interface NodeParts {
  readonly log: Logger;
  readonly services: readonly string[];
  readonly clock?: Clock;
  readonly random?: Random;
  /** Without it, the node counts no calls: for commands that offer no services. */
  readonly metrics?: Metrics;
  /** Undefined for a node without dependencies. */
  readonly health?: Pick<HealthChecks, "read">;
  readonly tracing?: Tracing | undefined;
}

/** Options of every node of the mesh: services, workers, REPL and tests. */
export function brokerOptions(
  config: Config,
  { log, services, clock = systemClock, random = systemRandom, metrics, health, tracing }: NodeParts,
): BrokerOptions {
  return {
    namespace: "usermesh",
    nodeID: withNodeId(config, services, random).nodeId,
    transporter: config.nats.url === undefined ? null : new NatsTransporter(config.nats.url),
    serializer: "JSON",
    // During a rollout two versions run side by side; `GET /admin/mesh` shows which node runs which.
    metadata: { version },
    errorRegenerator: new ErrorRegenerator(),
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Enabled per action by `idempotent` in the contract, for reads only.
    retryPolicy: { enabled: false, retries: 2, delay: 50, maxDelay: 200, factor: 2, check: isNodeGone },
    // Enabled here because Moleculer never resets the window of a breaker that is enabled per action.
    circuitBreaker: {
      enabled: true,
      threshold: 0.5,
      windowTime: 60,
      minRequestCount: config.circuitBreaker.failures,
      halfOpenTime: 2_000,
      check: countsForBreaker,
    },
    bulkhead: { enabled: false },
    heartbeatInterval: 1,
    heartbeatTimeout: 3,
    transit: { serviceChangedDebounceTime: 50 } as Transit.TransitOptions, // not in its types
    registry: { strategy: "RoundRobin", preferLocal: true, stopDelay: 100, discoverer: new FastDiscoverer() },
    contextParamsCloning: false,
    validator: false,
    metrics: false,
    tracing: false,
    logger: new BrokerLog(log),
    // `$node.options` would reveal the credentials of NATS.
    internalServices: {
      $node: {
        actions: {
          options: false,
          ...(metrics && nodeActions(metrics)),
          // Not `health`: Moleculer has an action of that name, which tells about CPU, memory and the process.
          ...(health && { dependencies: () => health.read() }),
        },
      },
    },
    internalMiddlewares: false,
    middlewares: [
      ...middlewares(config, log, clock),
      ...(metrics ? [metricsMiddleware(metrics)] : []),
      ...(tracing ? [tracingMiddleware(tracing)] : []),
    ],
    // The scripts stop the broker, because queues, event log and embedded servers must stop after it.
    skipProcessEventRegistration: true,
  };
}

/**
 * From the inside out. Access is checked before validation, so that callers without access learn nothing about params.
 * Moleculer's "Cacher" is left out: nodes cache rows that a write invalidates (see docs/decisions/008), not results of actions.
 */
function middlewares(config: Config, log: Logger, clock: Clock): Array<Middleware | string> {
  return [
    contractMiddleware(config),
    accessMiddleware({ clock, permissionsOf: servicePermissions(config) }),
    errorMiddleware(log),
    correlationMiddleware,
    "CircuitBreaker",
    "Timeout",
    "Retry",
    "ErrorHandler",
    drainMiddleware(log, DRAIN_MS),
  ];
}

/** The configuration with the name of this node, so that the bus and every line of the log have the same one. */
export function withNodeId(config: Config, services: readonly string[], random: Random = systemRandom) {
  return { ...config, nodeId: config.nodeId ?? nodeName(services, random) };
}

/** Unique, because two nodes with the same name stop each other, and valid in a NATS subject. */
function nodeName(services: readonly string[], random: Random): string {
  const name = services.length > 3 ? "usermesh" : services.join("-");
  return [name, hostname().replace(/[^\w-]/g, "-"), random.bytes(4).toString("hex")].join("-");
}

/**
 * For Moleculer's own runner: `SERVICES=auth moleculer-runner.mjs --config moleculer.config.ts` starts a node as
 * `npm run node` does. Our services are factories, so they are created here and not by the runner's file search.
 */
export default async function runnerOptions(): Promise<BrokerOptions> {
  const { registerBrokerMetrics, registerProcessMetrics } = await import("./lib/observability/metrics.ts");
  const { createPlatform } = await import("./lib/runtime/create-platform.ts");
  const { loadService, selectServices } = await import("./scripts/run/service-files.ts");
  const given = readConfig(process.env);
  const services = selectServices(given.services);
  const config = withNodeId(given, services);
  const log = createLog(config.log).child({ node: config.nodeId });
  redirectConsole(log);
  const platform = await createPlatform(config, { log, services });
  const schemas = await Promise.all(services.map((name) => loadService(name, platform)));
  return {
    ...brokerOptions(config, {
      log,
      services,
      metrics: platform.metrics,
      health: platform.health,
      tracing: platform.tracing,
    }),
    skipProcessEventRegistration: false,
    created: (broker) => {
      registerProcessMetrics(platform.metrics.registry);
      registerBrokerMetrics(platform.metrics.registry, broker, config.nats.url);
      for (const schema of schemas) broker.createService(schema);
    },
    stopped: () => platform.close(),
  };
}
