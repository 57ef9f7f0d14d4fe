import type { Call } from "../../../lib/actions/typed-call.ts";
import type { MeshEvent } from "../../../lib/events/events.ts";
import { handleOnce } from "../../../mixins/event-consumer.mixin.ts";
import type { AuthDeps } from "../dependencies.ts";
import { type MailLinkDeps, requestMail } from "./request-mail.ts";

/** A new address is sent a link, whose one-time token has the id that users gave the change. */
export async function mailEmailChangeLink(
  deps: MailLinkDeps & Pick<AuthDeps, "db">,
  event: MeshEvent,
  call: Call,
): Promise<void> {
  const { email_change: id, updated_fields = [], user_id, correlation_id } = event;
  if (typeof id !== "string" || !updated_fields.includes("pending_email")) return;
  const change = await call("users.emailChange", { token_id: id });
  if (change?.state !== "pending" || !change.is_active) return;
  const recipient = { id: user_id, tenant_id: change.tenant_id, email: change.new_email };
  const request = {
    purpose: "change_email",
    recipient,
    epoch: change.epoch,
    correlationId: correlation_id,
    id,
  } as const;
  await handleOnce(deps, event, "email-change-mail", (tx) => requestMail(deps, tx, request));
}
