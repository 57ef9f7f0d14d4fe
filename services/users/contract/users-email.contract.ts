import * as z from "zod";
import { action, byService } from "../../../lib/actions/contract.ts";
import * as field from "../../../lib/actions/schemas.ts";
import { EmailChange, User } from "./users-shapes.contract.ts";

/** Proofs and changes of an account's address, for auth and mail. Part of the users contract. */
export const emailActions = {
  /** Commits a verification or an email change, once per token. */
  confirmEmail: action({
    params: z.strictObject({ user_id: field.Id, email_key: z.string(), token_id: field.Id, event_id: field.Id }),
    result: z.strictObject({
      user: User,
      /** True if an earlier call with the same token has already committed it. */
      already: z.boolean(),
    }),
    access: byService("users:confirm_email"),
  }),
  /**
   * The owner has proven the account's address: verifies it, cancels a pending change of the address and removes the
   * device token. Idempotent per event id: this call and the event's consumer apply it once. `null` if the account is
   * deleted.
   */
  recordProof: action({
    params: z.strictObject({ user_id: field.Id, event_id: field.Id, email_key_hash: z.string() }),
    result: z.strictObject({ user: User.nullable() }),
    access: byService("users:record_proof"),
  }),
  /** Null for an unknown change, or if the account is deleted. */
  emailChange: action({
    params: z.strictObject({ token_id: field.Id }),
    result: EmailChange.nullable(),
    access: byService("users:email_change"),
    idempotent: true,
  }),
  /**
   * Records that a mail about the change was sent. The sweep keeps a change until its notice is recorded here, but for at
   * most 35 days.
   */
  recordEmailChangeMail: action({
    params: z.strictObject({
      token_id: field.Id,
      kind: z.enum(["change_email", "email_change_requested", "email_changed"]),
    }),
    result: field.Empty,
    access: byService("users:email_change"),
  }),
};
