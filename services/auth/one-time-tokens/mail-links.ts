import type { Call } from "../../../lib/actions/typed-call.ts";
import type { MeshEvent } from "../../../lib/events/events.ts";
import { handleOnce } from "../../../mixins/event-consumer.mixin.ts";
import type { AuthDeps } from "../dependencies.ts";
import { type MailLinkDeps, requestMail } from "./request-mail.ts";

type EventDeps = MailLinkDeps & Pick<AuthDeps, "db">;

const VERIFICATION = { purpose: "verify_email", epoch: null } as const;
/** A new account is at epoch 0. Whatever revokes its sessions voids the invitation too. */
const INVITATION = { purpose: "invite", epoch: 0 } as const;

/**
 * On `user.created`: mails a link to verify the address, or for an invited account to choose its first password. Accounts
 * that were imported, or created by an administrator without an invitation, get none: their owners did not just sign up,
 * and can request a password reset.
 */
export async function mailVerificationLink(deps: EventDeps, event: MeshEvent, call: Call): Promise<void> {
  if (event.imported === true || event.invited === false) return;
  const account = await call("users.signInView", { id: event.user_id });
  const isInvited = event.invited === true;
  if (!account?.is_active || (account.is_verified && !isInvited)) return;
  const request = {
    ...(isInvited ? INVITATION : VERIFICATION),
    recipient: account,
    correlationId: event.correlation_id,
    languages: event.languages,
  };
  await handleOnce(deps, event, "verification-mail", (tx) => requestMail(deps, tx, request));
}

/** On `user.updated`: mails a link to a requested new address. The one-time token has the id of the email change. */
export async function mailEmailChangeLink(deps: EventDeps, event: MeshEvent, call: Call): Promise<void> {
  const { email_change: id, updated_fields = [], user_id, correlation_id, languages } = event;
  if (typeof id !== "string" || !updated_fields.includes("pending_email")) return;
  const change = await call("users.emailChange", { token_id: id });
  if (change?.state !== "pending" || !change.is_active) return;
  const request = {
    id,
    purpose: "change_email",
    recipient: { id: user_id, tenant_id: change.tenant_id, email: change.new_email },
    epoch: change.epoch,
    correlationId: correlation_id,
    languages,
  } as const;
  await handleOnce(deps, event, "email-change-mail", (tx) => requestMail(deps, tx, request));
}
