import type { ServiceBroker, ServiceSchema } from "moleculer";
import { requireUser } from "../../lib/actions/caller.ts";
import { implement } from "../../lib/actions/typed-call.ts";
import { type EventType, eventTypes, type MeshEvent, type StreamName, streamOf } from "../../lib/events/events.ts";
import type { Platform } from "../../lib/runtime/platform.ts";
import { createTtlCache } from "../../lib/runtime/ttl-cache.ts";
import { createDatabase, database } from "../../mixins/database/database.mixin.ts";
import { eventConsumer } from "../../mixins/event-consumer.mixin.ts";
import { exportPage } from "../../mixins/personal-data/export-pages.ts";
import { sweepServiceTables } from "../../mixins/service-sweep.ts";
import { exportSections } from "./activity/activity.repo.ts";
import { eraseActivity, eraseAndRecord } from "./activity/erase-activity.ts";
import { activityOfTenant, activityOfUser, myActivity } from "./activity/read-activity.ts";
import { recordActivity, recordAuditEvent, recordOperation } from "./activity/record-activity.ts";
import { createStatistics } from "./activity/statistics.ts";
import { adminContract } from "./admin.contract.ts";
import { adminEntities } from "./admin.entities.ts";
import { readKeys } from "./operations/keys.ts";
import { readCounts, readMetrics } from "./operations/platform-metrics.ts";
import { registerQueueMetrics } from "./operations/queue-metrics.ts";
import { dropJob, failedJobs, listQueues, retryJobs } from "./operations/queues.ts";
import { replayEvents } from "./operations/replay-events.ts";
import { describeMesh } from "./operations/topology.ts";
import { readJourney, readRequests, readTraffic } from "./operations/traffic.ts";

/** Reading the metrics makes calls to services, nodes and queues, so they are read at most once in this time. */
const METRICS_TTL_MS = 5_000;
/** The metrics are the only entry of their cache. */
const METRICS_KEY = "metrics";

/** The activity log (who did what, when and from where), and operations on queues and nodes. */
export default function adminService(platform: Platform): ServiceSchema {
  const db = createDatabase(platform, { schema: "admin", entities: adminEntities });
  const record = (event: MeshEvent) => recordActivity(db, event);
  const deps = { db, clock: platform.clock, random: platform.random };
  const userErased = { "user.erased": (event: MeshEvent) => eraseAndRecord(deps, event) };
  const consume = (stream: StreamName) =>
    eventConsumer(platform, {
      service: adminContract.name,
      stream,
      handlers: { ...forAllEvents(stream, record), ...(stream === "USERS" && userErased) },
    });
  const { queues, clock } = platform;
  registerQueueMetrics(platform.metrics.registry, queues);
  const metrics = createTtlCache<Awaited<ReturnType<typeof readMetrics>>>(clock, { ttlMs: METRICS_TTL_MS });
  let broker: ServiceBroker | undefined;
  const startedBroker = (): ServiceBroker => {
    if (!broker) throw new Error("The service has not been created");
    return broker;
  };
  return {
    name: adminContract.name,
    created(this: { readonly broker: ServiceBroker }) {
      broker = this.broker;
    },
    mixins: [database(db), consume("USERS"), consume("SESSIONS")],
    actions: implement(adminContract, {
      myActivity: (ctx) => myActivity(db, ctx),
      userActivity: (ctx) => activityOfUser(db, ctx),
      activity: (ctx) => activityOfTenant(db, ctx),
      statistics: createStatistics(clock, db),
      erase: ({ params }) => eraseActivity(deps, params.user_id),
      export: ({ caller, params }) => exportPage(exportSections(db), requireUser(caller).user_id, params.cursor),
      record: (ctx) => recordAuditEvent(db, ctx),
      queues: () => listQueues(queues),
      failedJobs: (ctx) => failedJobs(queues, ctx),
      retryJobs: (ctx) => retryJobs(queues, ctx, (action, details) => recordOperation(deps, ctx, action, details)),
      dropJob: (ctx) => dropJob(queues, ctx, (action, details) => recordOperation(deps, ctx, action, details)),
      replayEvents: (ctx) => replayEvents(deps, ctx, (action, details) => recordOperation(deps, ctx, action, details)),
      metrics: async (ctx) => {
        const read = () => readMetrics({ broker: startedBroker(), queues, db }, ctx);
        const [counts, others] = await Promise.all([readCounts(ctx), metrics.read(METRICS_KEY, read)]);
        return { ...counts, ...others };
      },
      keys: (ctx) => readKeys(ctx),
      traffic: (ctx) => readTraffic({ broker: startedBroker(), queues, events: platform.events }, ctx),
      requests: () => readRequests(startedBroker()),
      journey: ({ params }) => readJourney(startedBroker(), params.correlation_id),
      mesh: () => describeMesh(startedBroker(), queues),
      sweep: () => sweepServiceTables(db),
    }),
  };
}

function forAllEvents(
  stream: StreamName,
  handler: (event: MeshEvent) => Promise<void>,
): Partial<Record<EventType, typeof handler>> {
  return Object.fromEntries(eventTypes.filter((type) => streamOf(type) === stream).map((type) => [type, handler]));
}
