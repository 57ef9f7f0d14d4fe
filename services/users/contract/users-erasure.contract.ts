import * as z from "zod";
import {
  action,
  asAdministrator,
  asUser,
  byOperator,
  byService,
  byServiceOrOperator,
} from "../../../lib/actions/contract.ts";
import * as field from "../../../lib/actions/schemas.ts";
import { ErasureReceipt } from "../../../lib/contracts/personal-data.contract.ts";

export const Deletion = z.strictObject({
  /** Until this time the deletion can be cancelled. Null: without limit, because the account is kept. */
  erase_at: field.Timestamp.nullable(),
});

/** A requested erasure with the receipts of the services. Once it is completed, it is the certificate. */
export const Erasure = z
  .strictObject({
    id: field.Id,
    user_id: field.Id,
    state: z.enum(["scheduled", "running", "completed"]),
    requested_at: field.Timestamp,
    erase_at: field.Timestamp,
    /** After this time an erasure that is not completed counts as overdue. */
    deadline: field.Timestamp,
    completed_at: field.Timestamp.nullable(),
    receipts: z.record(z.string(), z.strictObject({ at: field.Timestamp, rows: ErasureReceipt })),
  })
  .meta({ id: "Erasure" });

/** An erasure in a list. */
export const ErasureEntry = z
  .strictObject({
    ...Erasure.shape,
    /** Null if the account is erased already. */
    email: z.string().nullable(),
  })
  .meta({ id: "ErasureEntry" });

export const ErasureQuery = z.object({
  limit: field.Limit,
  cursor: field.Cursor,
  state: z.enum(["open", "completed"]).default("open"),
});

/** Deletion and erasure of accounts. Part of the users contract. */
export const erasureActions = {
  /**
   * Requires the password or a sign-in less than 5 minutes ago. Answers after all sessions are revoked. If that can't be
   * confirmed, it answers 503 `revocation_pending`; the account is deleted all the same.
   */
  deleteMe: action({
    params: z.strictObject({
      password: field.Password.optional(),
      /** If true, the account is erased without waiting for ACCOUNT_DELETION_GRACE_DAYS. */
      erase: z.boolean().optional(),
    }),
    result: Deletion,
    access: asUser,
    timeout: 9_000,
  }),
  adminDelete: action({
    params: z.strictObject({ id: field.Id, erase: z.boolean().optional() }),
    result: Deletion,
    access: asAdministrator("users:write"),
    timeout: 9_000,
  }),
  /** 404 for an account that is not deleted, or that is deleted and kept. */
  erasure: action({
    params: z.strictObject({ id: field.Id }),
    result: Erasure,
    access: asAdministrator("users:read"),
    idempotent: true,
  }),
  /**
   * The tenant's erasures: open ones in the order in which they are due, completed ones the latest first. `total` counts up
   * to 1,000.
   */
  tenantErasures: action({
    params: ErasureQuery,
    result: field.pageOf(ErasureEntry),
    access: asAdministrator("users:read"),
    idempotent: true,
  }),
  /** Erasures that are not completed, in the order in which they are due. */
  erasures: action({
    params: z.object({ limit: field.Limit }),
    result: z.array(Erasure),
    access: byOperator,
    idempotent: true,
  }),
  /** Erasures that are not completed, and how many of them are past their deadline. */
  erasureStats: action({
    params: field.Empty,
    result: z.strictObject({ open: z.int(), overdue: z.int() }),
    access: byServiceOrOperator("users:read"),
    idempotent: true,
  }),
  /**
   * Begins or continues the erasures that are due, and deletes the events of erased users from the event streams. An
   * `overdue` above 0 should raise an alarm.
   */
  eraseDue: action({
    params: field.Empty,
    result: z.strictObject({ due: z.int(), completed: z.int(), overdue: z.int(), purged: z.int() }),
    access: byService("maintenance:run"),
    timeout: 60_000,
  }),
};
