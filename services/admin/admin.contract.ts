import * as z from "zod";
import { action, asUser, asUserWith, byService, contract } from "../../lib/actions/contract.ts";
import * as field from "../../lib/actions/schemas.ts";
import { eraseAction, exportAction } from "../../lib/contracts/personal-data.contract.ts";
import { operationActions } from "./operations/operations.contract.ts";

export const Activity = z
  .strictObject({
    id: field.Id,
    action: z.string(),
    actor_id: field.Id.nullable(),
    user_id: field.Id.nullable(),
    at: field.Timestamp,
    ip: z.string().nullable(),
    correlation_id: z.string().nullable(),
    details: z.record(z.string(), z.json()),
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

/** `total` is null if there are more than 1,000 entries, because counting millions for each page is too slow. */
const ActivityPage = field.pageOf(Activity);

/** The activity log, which records the events of all services, and operations on queues and nodes. */
export const adminContract = contract("admin", {
  requiredPermissions: ["users:read", "sessions:stats"],
  actions: {
    ...operationActions,
    myActivity: action({ params: ActivityQuery, result: ActivityPage, access: asUser, idempotent: true }),
    userActivity: action({
      params: ActivityQuery.extend({ user_id: field.Id }),
      result: ActivityPage,
      access: asUserWith("activity:read"),
      idempotent: true,
    }),
    activity: action({
      params: ActivityQuery,
      result: ActivityPage,
      access: asUserWith("activity:read"),
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
