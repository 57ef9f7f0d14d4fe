import * as z from "zod";
import { action, asUserWith, byService } from "../../../lib/actions/contract.ts";
import * as field from "../../../lib/actions/schemas.ts";

/** Number of jobs per state. Null if the queue store is unavailable. */
const QueueCounts = z.record(z.string(), z.int()).nullable();

const Queue = z.strictObject({ name: z.string(), counts: QueueCounts }).meta({ id: "Queue" });

const DeadLetter = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    /** Contains ids, never an address or a secret. */
    data: z.json(),
    attempts: z.int(),
    reason: z.string(),
    failed_at: field.Timestamp,
  })
  .meta({ id: "DeadLetter" });

const OpenBreaker = z.strictObject({
  action: z.string(),
  /** The node on which the action fails. */
  node: z.string(),
  /** The node whose circuit breaker is open. */
  seen_by: z.string(),
});

const Mesh = z
  .strictObject({
    nodes: z.array(
      z.strictObject({
        id: z.string(),
        available: z.boolean(),
        services: z.array(z.strictObject({ name: z.string(), version: z.string().nullable() })),
        /** The version of Node.js. */
        runtime: z.string().nullable(),
        /** The version of Moleculer. */
        moleculer: z.string().nullable(),
      }),
    ),
    open_breakers: z.array(OpenBreaker),
    queues: z.array(Queue),
  })
  .meta({ id: "Mesh" });

/** A value is null if the service that provides it did not respond. */
const PlatformMetrics = z
  .strictObject({
    accounts: z.strictObject({ total: z.int(), active: z.int() }).nullable(),
    logins: z.strictObject({ last_24_hours: z.int(), refused_last_24_hours: z.int() }).nullable(),
    sessions: z.strictObject({ active: z.int() }).nullable(),
    /** Any overdue erasure should raise an alarm. */
    erasures: z.strictObject({ open: z.int(), overdue: z.int() }).nullable(),
    queues: z.record(z.string(), QueueCounts),
    breakers: z.strictObject({ open: z.int() }),
  })
  .meta({ id: "PlatformMetrics" });

const QueueName = z.string().max(50);

/** For operators of the installation, except `record`. 404 for an unknown queue or dead letter. */
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
  /**
   * Retries one dead letter or, without an id, up to 100 of the newest. Each gets the full number of attempts again.
   */
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
  metrics: action({
    params: field.Empty,
    result: PlatformMetrics,
    access: asUserWith("platform:metrics"),
    idempotent: true,
  }),
  mesh: action({ params: field.Empty, result: Mesh, access: asUserWith("platform:metrics"), idempotent: true }),
  /** Records an audit event of another service: refused sign-ins and requests, requests in another tenant, imports. */
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
