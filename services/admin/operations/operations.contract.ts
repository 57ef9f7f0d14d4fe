import * as z from "zod";
import { action, asAdministrator, byOperator, byService } from "../../../lib/actions/contract.ts";
import * as field from "../../../lib/actions/schemas.ts";
import { KeyUsage, SigningKey } from "../../../lib/contracts/key-usage.contract.ts";

/** Number of jobs per state. Null if the queue store is unavailable. */
const QueueCounts = z.record(z.string(), z.int()).nullable();

export const Queue = z.strictObject({ name: z.string(), counts: QueueCounts }).meta({ id: "Queue" });

export const DeadLetter = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    /** Contains ids, never an address or a secret. */
    data: field.JsonValue,
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

/** State of a node. `calls`, `errors` and `buckets` count since it started; `buckets` as in `edges` of Traffic. */
const NodeStats = z.strictObject({
  calls: z.int(),
  errors: z.int(),
  buckets: z.array(z.int()),
  uptime_seconds: z.int(),
  memory_bytes: z.int(),
  event_loop_lag_ms: z.number(),
  /** Seconds since each service requested its lease; null without one. */
  leases: z.array(z.strictObject({ service: z.string(), age_seconds: z.number().nullable() })),
});

export const Traffic = z
  .strictObject({
    at: field.Timestamp,
    nodes: z.array(
      z.strictObject({
        id: z.string(),
        available: z.boolean(),
        version: z.string().nullable(),
        services: z.array(z.string()),
        /** Null if the node did not answer. */
        stats: NodeStats.nullable(),
      }),
    ),
    edges: z
      .array(
        z.strictObject({
          from: z.string(),
          to: z.string(),
          calls: z.int(),
          errors: z.int(),
          buckets: z.array(z.int()),
        }),
      )
      .meta({
        description:
          "Calls of one service to another since the nodes started. `buckets` counts those up to 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1,000, 2,500, 5,000 and 10,000 ms; they are not cumulative, and the last one counts longer calls.",
      }),
    open_breakers: z.array(OpenBreaker),
    queues: z.array(Queue),
    outboxes: z.array(
      z.strictObject({ service: z.string(), pending: z.int().nullable(), oldest_seconds: z.number().nullable() }),
    ),
    consumers: z
      .array(
        z.strictObject({
          name: z.string(),
          stream: z.string(),
          pending: z.int(),
          unacknowledged: z.int(),
          redelivered: z.int(),
        }),
      )
      .nullable()
      .meta({
        description:
          "Durable consumers of events; empty if all services run in one process, null while NATS is unavailable.",
      }),
  })
  .meta({ id: "Traffic" });

/** A step of a request, as the node that did it remembers it. */
export const Step = z
  .strictObject({
    correlation_id: z.string(),
    kind: z.enum(["request", "action", "event", "job"]),
    name: z.string(),
    service: z.string(),
    from: z.string(),
    node: z.string(),
    at: field.Timestamp,
    duration_ms: z.number(),
    outcome: z.string().meta({ description: "The status of a request, `ok`, or the code of an error." }),
  })
  .meta({ id: "Step" });

const Journey = z.strictObject({ steps: z.array(Step) }).meta({ id: "Journey" });

/** A value is null if the service that provides it did not respond. */
export const PlatformMetrics = z
  .strictObject({
    accounts: z.strictObject({ total: z.int(), active: z.int(), counted_at: field.Timestamp }).nullable().meta({
      description: "Current below 100,000. Higher counts, also of sessions, may be up to five minutes old.",
    }),
    logins: z.strictObject({ last_24_hours: z.int(), refused_last_24_hours: z.int() }).nullable(),
    sessions: z.strictObject({ active: z.int(), counted_at: field.Timestamp }).nullable(),
    /** Any overdue erasure should raise an alarm. */
    erasures: z.strictObject({ open: z.int(), overdue: z.int() }).nullable(),
    queues: z.record(z.string(), QueueCounts),
    breakers: z.strictObject({ open: z.int() }),
  })
  .meta({ id: "PlatformMetrics" });

export const Keys = z.strictObject({ signing: z.array(SigningKey), key_ring: KeyUsage }).meta({ id: "Keys" });

const QueueName = z.string().max(50);

/** For operators of the installation, except `record`. 404 for an unknown queue or dead letter. */
export const operationActions = {
  queues: action({
    params: field.Empty,
    result: z.array(Queue),
    access: asAdministrator("platform:queues"),
    idempotent: true,
  }),
  failedJobs: action({
    params: z.object({ name: QueueName, limit: field.Limit }),
    result: field.pageOf(DeadLetter),
    access: asAdministrator("platform:queues"),
    idempotent: true,
  }),
  /**
   * Retries one dead letter or, without an id, up to 100 of the newest. Each gets the full number of attempts again.
   */
  retryJobs: action({
    params: z.strictObject({ name: QueueName, id: z.string().max(200).optional() }),
    result: z.strictObject({ retried: z.int() }),
    access: asAdministrator("platform:queues"),
  }),
  dropJob: action({
    params: z.strictObject({ name: QueueName, job: z.string().max(200) }),
    result: field.Empty,
    access: asAdministrator("platform:queues"),
  }),
  /** Publishes a service's events since `since` again, at most seven days back. 404 for a service that publishes none. */
  replayEvents: action({
    params: z.strictObject({ service: z.string().max(50), since: field.Timestamp, user_id: field.Id.optional() }),
    result: z.strictObject({ replayed: z.int() }),
    access: byOperator,
    timeout: 31_000,
  }),
  metrics: action({
    params: field.Empty,
    result: PlatformMetrics,
    access: asAdministrator("platform:metrics"),
    idempotent: true,
  }),
  /** The keys of the installation, without any secret. */
  keys: action({ params: field.Empty, result: Keys, access: asAdministrator("platform:keys"), timeout: 20_000 }),
  /** Counted by the nodes themselves. Rates are the differences between two answers. */
  traffic: action({
    params: field.Empty,
    result: Traffic,
    access: asAdministrator("platform:metrics"),
    idempotent: true,
  }),
  /** The latest requests, newest first. Nodes remember some thousand steps, so a busy mesh forgets them in minutes. */
  requests: action({
    params: field.Empty,
    result: z.array(Step),
    access: asAdministrator("platform:metrics"),
    idempotent: true,
  }),
  /** The calls, events, jobs and mails that a request has caused, in the order in which they began. */
  journey: action({
    params: z.strictObject({ correlation_id: z.string().regex(/^[A-Za-z0-9._:-]{1,128}$/) }),
    result: Journey,
    access: asAdministrator("platform:metrics"),
    idempotent: true,
  }),
  mesh: action({ params: field.Empty, result: Mesh, access: asAdministrator("platform:metrics"), idempotent: true }),
  /** Records what another service did or refused and what no event reports. */
  record: action({
    params: z.strictObject({
      id: field.Id,
      tenant_id: field.Id,
      action: z.enum([
        "sign_in.refused",
        "sign_in.throttled",
        "reauthentication.refused",
        "one_time_token.refused",
        "refresh_token.refused",
        "access_token.refused",
        "service_credentials.refused",
        "request.refused",
        "request.throttled",
        "password_reset.requested",
        "link.sent",
        "platform.acted",
        "users.imported",
        "signing_key.rotated",
        "webhook.disabled",
      ]),
      actor_id: field.Id.nullable(),
      /** `operator:<name>`. */
      actor: z.string().max(100).nullish(),
      user_id: field.Id.nullable(),
      at: field.Timestamp,
      ip: z.string().max(64).nullable(),
      details: z.record(z.string(), field.JsonValue),
    }),
    result: field.Empty,
    access: byService("activity:record"),
  }),
};
