import * as z from "zod";
import { action, byService, contract } from "../../lib/actions/contract.ts";
import * as field from "../../lib/actions/schemas.ts";
import { MailedTokenPurpose } from "../../lib/contracts/mailed-token.contract.ts";
import { outboxActions } from "../../lib/contracts/outbox.contract.ts";
import { eraseAction, exportAction } from "../../lib/contracts/personal-data.contract.ts";
import { pushActions } from "./push/push.contract.ts";

/** Contains ids only, never a secret or an address. */
export const MailJob = z.strictObject({
  /** The id of the mailed one-time token or of the event that causes the notice. The Message-ID is made from it. */
  id: field.Id,
  kind: z.enum([
    ...MailedTokenPurpose.options,
    "password_changed",
    "token_reused",
    "provider_linked",
    "provider_unlinked",
    "account_deactivated",
    "account_reactivated",
    "email_change_requested",
    "email_changed",
    "username_changed",
  ]),
  user_id: field.Id,
  tenant_id: field.Id,
  correlation_id: z.string(),
  /** Languages that the causing request accepts, the most wanted first. */
  languages: field.Languages.optional(),
  /** Set for notices about an email change: the id of the change, which is `token_id` in the users service. */
  email_change: field.Id.optional(),
  /** Set for `password_changed`: why, and which sign-in providers were removed and kept. */
  revocation: z
    .strictObject({
      reason: z.enum(["reset", "invitation", "verification", "provider_claim", "administrator"]),
      first_proof: z.boolean(),
      removed_providers: z.array(z.string().max(500)).max(50),
      kept_providers: z.array(z.string().max(500)).max(50),
    })
    .optional(),
  /** Set for notices about a linked or unlinked sign-in provider: its name. */
  provider: z.string().max(500).optional(),
});
export type MailJob = z.infer<typeof MailJob>;

const MailSample = z.strictObject({
  /** `<kind>-<language>`, or `password_changed-<reason>-<language>`. */
  name: z.string(),
  kind: MailJob.shape.kind,
  /** Why the password was changed, for the notice of it. */
  reason: z.string().nullable(),
  language: z.string(),
  subject: z.string(),
  text: z.string(),
  html: z.string(),
});

export const mailContract = contract("mail", {
  requiredPermissions: [
    "auth:mailed_token",
    "users:read",
    "users:email_change",
    "users:push_token",
    "users:brand",
    "preferences:read",
  ],
  actions: {
    /**
     * Renders and sends one message, once. `skipped` if it is obsolete, for example because its token was replaced.
     * 503 `mail_unavailable` if the SMTP server can't be reached, 429 `mail_deferred` if it asks to send the message later,
     * 422 `mail_refused` if it rejects the message permanently.
     */
    send: action({
      params: MailJob,
      result: z.strictObject({ outcome: z.enum(["sent", "already_sent", "skipped"]) }),
      access: byService("mail:send"),
      timeout: 30_000,
    }),
    /** Every kind of mail in every language, with invented values, for the page that shows them in development. */
    samples: action({
      params: field.Empty,
      result: z.strictObject({
        samples: z.array(MailSample),
        /** The image that `cid:` in the HTML refers to: a PNG in base64. */
        logo: z.string().nullable(),
      }),
      access: byService("mail:samples"),
      idempotent: true,
    }),
    ...pushActions,
    erase: action(eraseAction),
    export: action(exportAction),
    ...outboxActions,
    sweep: action({
      params: field.Empty,
      result: z.record(z.string(), z.int()),
      access: byService("maintenance:run"),
      timeout: 60_000,
    }),
  },
});
