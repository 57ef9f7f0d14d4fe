import type { ServiceBroker, ServiceSchema } from "moleculer";
import { requireUser } from "../../lib/actions/caller.ts";
import { type Actions, implement } from "../../lib/actions/typed-call.ts";
import { type EventType, eventTypes, type MeshEvent, type StreamName, streamOf } from "../../lib/events/events.ts";
import type { Platform } from "../../lib/runtime/platform.ts";
import { createTtlCache } from "../../lib/runtime/ttl-cache.ts";
import { createDatabase, database } from "../../mixins/database.mixin.ts";
import { eventConsumer } from "../../mixins/event-consumer.mixin.ts";
import { exportPage } from "../../mixins/export-pages.ts";
import { sweepServiceTables } from "../../mixins/service-sweep.ts";
import { adminContract } from "./admin.contract.ts";
import { adminEntities } from "./admin.entities.ts";
import { eraseActivity, recordErasure } from "./erase.ts";
import { exportSections } from "./export.repo.ts";
import { readMetrics } from "./metrics.ts";
import { dropJob, failedJobs, listQueues, retryJobs } from "./queues.ts";
import { activityOfTenant, activityOfUser, myActivity } from "./read-activity.ts";
import { insertAuditEvent, recordActivity, recordAuditEvent } from "./record-activity.ts";
import { describeMesh } from "./topology.ts";

/** They ask every service, node and queue: at most once in so long, however many look at them. */
const FIGURES_MS = 5_000;

/** The activity log: who did what, when and from where, as the events of the mesh tell it. */
export default function adminService(platform: Platform): ServiceSchema {
  const db = createDatabase(platform, { schema: "admin", entities: adminEntities });
  const record = (event: MeshEvent) => recordActivity(db, event);
  const deps = { db, clock: platform.clock, random: platform.random };
  const erased = { "user.erased": (event: MeshEvent) => recordErasure(deps, event) };
  const listen = (stream: StreamName) =>
    eventConsumer(platform, {
      service: adminContract.name,
      stream,
      effects: { ...allOf(stream, record), ...(stream === "USERS" && erased) },
    });
  const { queues, clock } = platform;
  const figures = createTtlCache<Actions["admin.metrics"]["result"]>(clock, { freshMs: FIGURES_MS });
  let broker: ServiceBroker | undefined;
  const known = (): ServiceBroker => {
    if (!broker) throw new Error("The service has not been created");
    return broker;
  };
  return {
    name: adminContract.name,
    created(this: { readonly broker: ServiceBroker }) {
      broker = this.broker;
    },
    mixins: [database(db), listen("USERS"), listen("SESSIONS")],
    actions: implement(adminContract, {
      myActivity: (ctx) => myActivity(db, ctx),
      userActivity: (ctx) => activityOfUser(db, ctx),
      activity: (ctx) => activityOfTenant(db, ctx),
      erase: ({ params }) => eraseActivity(deps, params.user_id),
      export: ({ caller, params }) => exportPage(exportSections(db), requireUser(caller).user_id, params.cursor),
      record: (ctx) => insertAuditEvent(db, ctx),
      queues: () => listQueues(queues),
      failedJobs: (ctx) => failedJobs(queues, ctx),
      retryJobs: (ctx) => retryJobs(queues, ctx, (act, details) => recordAuditEvent(deps, ctx, act, details)),
      dropJob: (ctx) => dropJob(queues, ctx, (act, details) => recordAuditEvent(deps, ctx, act, details)),
      metrics: (ctx) => figures.read("", () => readMetrics({ broker: known(), queues, db }, ctx)),
      mesh: () => describeMesh(known(), queues),
      sweep: () => sweepServiceTables(db),
    }),
  };
}

function allOf(
  stream: StreamName,
  effect: (event: MeshEvent) => Promise<void>,
): Partial<Record<EventType, typeof effect>> {
  return Object.fromEntries(eventTypes.filter((type) => streamOf(type) === stream).map((type) => [type, effect]));
}
