import * as z from "zod";
import { action, asUserWith, byService } from "../../lib/actions/contract.ts";
import * as field from "../../lib/actions/schemas.ts";

/** Jobs by what has become of them; null where the store of the queues can't be reached. */
const QueueCounts = z.record(z.string(), z.int()).nullable();

const Queue = z.strictObject({ name: z.string(), counts: QueueCounts }).meta({ id: "Queue" });

const DeadLetter = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    /** Ids, never an address or a secret. */
    data: z.json(),
    attempts: z.int(),
    reason: z.string(),
    failed_at: field.Timestamp,
  })
  .meta({ id: "DeadLetter" });

const OpenBreaker = z.strictObject({
  action: z.string(),
  /** The node that does not answer well, and the one that has stopped asking it. */
  node: z.string(),
  seen_by: z.string(),
});

const Mesh = z
  .strictObject({
    nodes: z.array(
      z.strictObject({
        id: z.string(),
        available: z.boolean(),
        services: z.array(z.strictObject({ name: z.string(), version: z.string().nullable() })),
        /** Of Node.js and of Moleculer. */
        runtime: z.string().nullable(),
        moleculer: z.string().nullable(),
      }),
    ),
    open_breakers: z.array(OpenBreaker),
    queues: z.array(Queue),
  })
  .meta({ id: "Mesh" });

/** null: the service that knows did not answer. */
const Figures = z
  .strictObject({
    accounts: z.strictObject({ total: z.int(), active: z.int() }).nullable(),
    logins: z.strictObject({ last_24_hours: z.int(), refused_last_24_hours: z.int() }).nullable(),
    sessions: z.strictObject({ active: z.int() }).nullable(),
    /** Any that is overdue is an alarm. */
    erasures: z.strictObject({ open: z.int(), overdue: z.int() }).nullable(),
    queues: z.record(z.string(), QueueCounts),
    breakers: z.strictObject({ open: z.int() }),
  })
  .meta({ id: "PlatformMetrics" });

const QueueName = z.string().max(50);

/** For whoever runs the installation. 404 for a queue or a dead letter that is none. */
export const operationActions = {
  queues: action({
    params: field.Empty,
    result: z.array(Queue),
    access: asUserWith("platform:queues"),
    idempotent: true,
  }),
  failedJobs: action({
    params: z.object({ name: QueueName, limit: field.Limit }),
    result: field.pageOf(DeadLetter),
    access: asUserWith("platform:queues"),
    idempotent: true,
  }),
  /** One dead letter, or up to 100 of the latest: they get all their attempts again. */
  retryJobs: action({
    params: z.strictObject({ name: QueueName, id: z.string().max(200).optional() }),
    result: z.strictObject({ retried: z.int() }),
    access: asUserWith("platform:queues"),
  }),
  dropJob: action({
    params: z.strictObject({ name: QueueName, job: z.string().max(200) }),
    result: field.Empty,
    access: asUserWith("platform:queues"),
  }),
  metrics: action({ params: field.Empty, result: Figures, access: asUserWith("platform:metrics"), idempotent: true }),
  mesh: action({ params: field.Empty, result: Mesh, access: asUserWith("platform:metrics"), idempotent: true }),
  /** What happened beside the events: refused sign-ins and requests, acts in another tenant, imports. */
  record: action({
    params: z.strictObject({
      id: field.Id,
      tenant_id: field.Id,
      action: z.enum(["sign_in.refused", "request.refused", "platform.acted", "users.imported"]),
      actor_id: field.Id.nullable(),
      user_id: field.Id.nullable(),
      at: field.Timestamp,
      ip: z.string().max(64).nullable(),
      details: z.record(z.string(), z.json()),
    }),
    result: field.Empty,
    access: byService("activity:record"),
  }),
};
