import * as z from "zod";
import { action, byService, contract } from "../../lib/actions/contract.ts";
import * as field from "../../lib/actions/schemas.ts";
import { eraseAction, exportAction } from "../../lib/contracts/personal-data.contract.ts";
import { pushActions } from "./push.contract.ts";

/** What a mail job holds: ids only, never a secret or an address. */
export const MailJob = z.strictObject({
  /** Id of the message: of the one-time token, or of the event that is told. Its Message-ID is made from it. */
  id: field.Id,
  kind: z.enum([
    "verify_email",
    "reset_password",
    "invite",
    "password_changed",
    "token_reused",
    "provider_linked",
    "provider_unlinked",
    "account_deactivated",
    "account_reactivated",
    "change_email",
    "email_change_requested",
    "email_changed",
  ]),
  user_id: field.Id,
  tenant_id: field.Id,
  correlation_id: z.string(),
  /** Of a notice about a change of address: which one. */
  email_change: field.Id.optional(),
  /** Of a notice about a way to sign in: its name. */
  provider: z.string().max(500).optional(),
});
export type MailJob = z.infer<typeof MailJob>;

export const mailContract = contract("mail", {
  requiredPermissions: [
    "auth:mailed_token",
    "users:read",
    "users:email_change",
    "users:push_token",
    "preferences:read",
  ],
  actions: {
    /**
     * Renders and sends one message, once: `sent`, or `skipped` where it is of no use any more.
     * 503 `mail_unavailable` while the SMTP server can't be reached or asks for patience; 422 where it refuses for good.
     */
    send: action({
      params: MailJob,
      result: z.strictObject({ outcome: z.enum(["sent", "already_sent", "skipped"]) }),
      access: byService("mail:send"),
      timeout: 30_000,
    }),
    ...pushActions,
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
