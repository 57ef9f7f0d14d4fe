import type { Call } from "../../../lib/actions/typed-call.ts";
import type { MeshEvent } from "../../../lib/events/events.ts";
import { handleOnce } from "../../../mixins/event-consumer.mixin.ts";
import type { AuthDeps } from "../dependencies.ts";
import { type MailLinkDeps, requestMail } from "./request-mail.ts";

const verification = { purpose: "verify_email", epoch: null } as const;
/** A new account is at epoch 0: whatever ends its sessions ends the invitation too. */
const invitation = { purpose: "invite", epoch: 0 } as const;

/** A new account is sent a link, unless it came verified: to verify, or to choose the first password where it has none. */
export async function mailVerificationLink(
  deps: MailLinkDeps & Pick<AuthDeps, "db">,
  event: MeshEvent,
  call: Call,
): Promise<void> {
  // Nobody asked for that account just now; who has no password asks for a reset.
  if (event.imported === true) return;
  const account = await call("users.signInView", { id: event.user_id });
  if (!account?.is_active || account.is_verified) return;
  const request = {
    ...(event.invited === true ? invitation : verification),
    recipient: account,
    correlationId: event.correlation_id,
  } as const;
  await handleOnce(deps, event, "verification-mail", (tx) => requestMail(deps, tx, request));
}
