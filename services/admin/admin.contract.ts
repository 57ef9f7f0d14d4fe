import * as z from "zod";
import { action, contract } from "../../lib/actions/contract.ts";
import * as field from "../../lib/actions/schemas.ts";
import { erasing, exporting } from "../../lib/contracts/personal-data.contract.ts";
import { operationActions } from "./operations.contract.ts";

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
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().max(200).optional(),
  action: z.string().max(50).optional(),
  actor: field.Id.optional(),
  from: field.Timestamp.optional(),
  to: field.Timestamp.optional(),
});

/** `total` is counted up to 1,000 and null beyond: a log of millions is not counted for each of its pages. */
const Page = z.strictObject({
  items: z.array(Activity),
  total: z.int().nullable(),
  page: z.int(),
  limit: z.int(),
  next_cursor: z.string().nullable(),
});

/** The activity log: append-only, fed by the events of the mesh. */
export const adminContract = contract("admin", {
  needs: ["users:read", "sessions:figures"],
  personal: ["activity"],
  actions: {
    ...operationActions,
    myActivity: action({ params: ActivityQuery, result: Page, access: { callers: ["user"] }, idempotent: true }),
    userActivity: action({
      params: ActivityQuery.extend({ user_id: field.Id }),
      result: Page,
      access: { callers: ["user"], permission: "activity:read" },
      idempotent: true,
    }),
    activity: action({
      params: ActivityQuery,
      result: Page,
      access: { callers: ["user"], permission: "activity:read" },
      idempotent: true,
    }),
    erase: action(erasing),
    export: action(exporting),
    sweep: action({
      params: field.Empty,
      result: z.record(z.string(), z.int()),
      access: { callers: ["service"], permission: "maintenance:run" },
      timeout: 60_000,
    }),
  },
});
