import * as z from "zod";
import { action, asAdministrator, asUser, byService, contract } from "../../lib/actions/contract.ts";
import * as field from "../../lib/actions/schemas.ts";
import { eraseAction, exportAction } from "../../lib/contracts/personal-data.contract.ts";
import { operationActions } from "./operations/operations.contract.ts";

export const Activity = z
  .strictObject({
    id: field.Id,
    action: z.string(),
    actor_id: field.Id.nullable(),
    actor: z.string().nullable().meta({ description: "`operator:<name>` if an operator acted, who has no account." }),
    user_id: field.Id.nullable(),
    at: field.Timestamp,
    ip: z.string().nullable(),
    correlation_id: z.string().nullable(),
    details: z.record(z.string(), field.JsonValue),
  })
  .meta({ id: "Activity" });

export const ActivityQuery = z.object({
  limit: field.Limit,
  cursor: field.Cursor,
  action: z.string().max(50).optional(),
  actor: field.Id.optional(),
  from: field.Timestamp.optional(),
  to: field.Timestamp.optional(),
});

/** One day (UTC) in a tenant. */
export const DayStatistics = z
  .strictObject({ day: z.iso.date(), sign_ins: z.int(), refused_sign_ins: z.int(), accounts: z.int() })
  .meta({ id: "DayStatistics" });

/** `total` is null if there are more than 1,000 entries, because counting millions for each page is too slow. */
const ActivityPage = field.pageOf(Activity);

/** The activity log, which records the events of all services, and operations on queues and nodes. */
export const adminContract = contract("admin", {
  requiredPermissions: ["users:read", "sessions:stats", "events:replay", "keys:read", "outbox:read"],
  actions: {
    ...operationActions,
    myActivity: action({ params: ActivityQuery, result: ActivityPage, access: asUser, idempotent: true }),
    userActivity: action({
      params: ActivityQuery.extend({ user_id: field.Id }),
      result: ActivityPage,
      access: asAdministrator("activity:read"),
      idempotent: true,
    }),
    activity: action({
      params: ActivityQuery,
      result: ActivityPage,
      access: asAdministrator("activity:read"),
      idempotent: true,
    }),
    /** The last 30 days, the oldest first; up to five minutes old. `accounts` counts new accounts, without imported ones. */
    statistics: action({
      params: field.Empty,
      result: z.array(DayStatistics),
      access: asAdministrator("activity:read"),
      idempotent: true,
    }),
    erase: action(eraseAction),
    export: action(exportAction),
    sweep: action({
      params: field.Empty,
      result: z.record(z.string(), z.int()),
      access: byService("maintenance:run"),
      timeout: 60_000,
    }),
  },
});
