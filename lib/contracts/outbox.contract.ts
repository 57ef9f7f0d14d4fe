import * as z from "zod";
import { type ActionDef, byOperator, byService, byServiceOrOperator } from "../actions/contract.ts";
import * as field from "../actions/schemas.ts";

/** Implemented by every service with an outbox, for operators and the mesh view. */
export const outboxActions = {
  /** What is not relayed yet, counted up to 10,000, and for how many seconds the oldest entry has been waiting. */
  outbox: {
    params: field.Empty,
    result: z.strictObject({ pending: z.int(), oldest_seconds: z.number().nullable() }),
    access: byServiceOrOperator("outbox:read"),
    idempotent: true,
  },
  /** Events of the last seven days in the order of their commits, after a position; without one only the newest. */
  events: {
    params: z.strictObject({
      after: z
        .string()
        .regex(/^\d{1,18}$/)
        .optional(),
      user_id: field.Id.optional(),
      limit: field.Limit,
    }),
    result: z.strictObject({ events: z.array(z.record(z.string(), z.json())), position: z.string() }),
    access: byOperator,
    idempotent: true,
  },
  /**
   * Publishes events of the last seven days again. Consumers that have handled one ignore it, so this repairs a consumer
   * that has lost some, for example when its database was restored from a backup.
   */
  replayEvents: {
    params: z.strictObject({ since: field.Timestamp, user_id: field.Id.optional(), replay: field.Id }),
    result: z.strictObject({ replayed: z.int() }),
    access: byService("events:replay"),
    timeout: 30_000,
  },
} as const satisfies Record<string, ActionDef>;
