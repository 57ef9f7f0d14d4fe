import * as z from "zod";
import type { ActionDef } from "../actions/contract.ts";
import * as field from "../actions/schemas.ts";

/** What a service has deleted, by table. It is kept in the certificate. */
export const Receipt = z.record(z.string(), z.int());

/** Of every service that keeps personal data and isn't users: deletes all of a user, for good. Safe to repeat. */
export const erasing = {
  params: z.strictObject({ user_id: field.Id, erasure_id: field.Id }),
  result: Receipt,
  access: { callers: ["service"], permission: "data:erase" },
  timeout: 30_000,
} as const satisfies ActionDef;

/** Of every service that keeps personal data: what it holds of the caller, in parts; `next` is the cursor of the next one. */
export const exporting = {
  params: z.strictObject({ cursor: z.string().max(200).optional() }),
  result: z.strictObject({
    section: z.string(),
    rows: z.array(z.record(z.string(), z.json())),
    next: z.string().nullable(),
  }),
  access: { callers: ["user"] },
  idempotent: true,
} as const satisfies ActionDef;

/** What `GET /users/me/export` answers: by service, by section. */
export const ExportDocument = z
  .strictObject({
    user_id: field.Id,
    exported_at: field.Timestamp,
    services: z.record(z.string(), z.record(z.string(), z.array(z.record(z.string(), z.json())))),
  })
  .meta({ id: "ExportDocument" });
