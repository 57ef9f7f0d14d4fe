import * as z from "zod";
import { type ActionDef, asUser, byService } from "../actions/contract.ts";
import * as field from "../actions/schemas.ts";

/** Number of rows that a service deleted, by table. Part of the erasure certificate. */
export const ErasureReceipt = z.record(z.string(), z.int());

/** Implemented by every service that stores personal data, except users: permanently deletes the user's rows. Safe to repeat. */
export const eraseAction = {
  params: z.strictObject({ user_id: field.Id, erasure_id: field.Id }),
  result: ErasureReceipt,
  access: byService("data:erase"),
  timeout: 30_000,
} as const satisfies ActionDef;

/** Implemented by every service that stores personal data: the caller's rows, page by page; `next` is the cursor of the next page. */
export const exportAction = {
  params: z.strictObject({ cursor: field.Cursor }),
  result: z.strictObject({
    section: z.string(),
    rows: z.array(z.record(z.string(), field.JsonValue)),
    next: z.string().nullable(),
  }),
  access: asUser,
  idempotent: true,
} as const satisfies ActionDef;

/** Response of `GET /users/me/export`: rows by service and section. */
export const ExportDocument = z
  .strictObject({
    user_id: field.Id,
    exported_at: field.Timestamp,
    services: z.record(z.string(), z.record(z.string(), z.array(z.record(z.string(), field.JsonValue)))),
  })
  .meta({ id: "ExportDocument" });
