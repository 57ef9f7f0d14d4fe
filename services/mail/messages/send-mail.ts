import type { ResultOf } from "../../../lib/actions/contract.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { deliverOnce, withDeliveryErrors } from "../delivery.ts";
import type { MailJob, mailContract } from "../mail.contract.ts";
import type { MailDeps } from "../mail.deps.ts";
import { compose } from "./compose.ts";
import { isLinkKind } from "./mail-kinds.ts";
import {
  isDeliveryConfirmed,
  lockMessage,
  recordDeliveryConfirmed,
  recordMessageSent,
  recordMessageSkipped,
} from "./messages.repo.ts";

type Outcome = ResultOf<typeof mailContract, "send">;
type Ctx = Pick<ActionContext<MailJob>, "params" | "call">;

export function sendMail(deps: MailDeps, ctx: Ctx): Promise<Outcome> {
  const { db } = deps;
  const { id } = ctx.params;
  return withDeliveryErrors(async () => {
    const outcome = await deliverOnce(deps, {
      table: "mail.messages",
      id,
      lockedError: "mail_deferred",
      lock: async (lockId) => ((await lockMessage(db, ctx.params, lockId)) ? ctx.params : undefined),
      send: async () => {
        const mail = await compose(deps, ctx);
        if (!mail) return "obsolete";
        await deps.transport.send(mail);
        return "sent";
      },
      recordSent: () => recordMessageSent(db, id),
      recordSkipped: (lockId) => recordMessageSkipped(db, id, lockId),
    });
    const isUnconfirmed = outcome === "sent" || (outcome === "already_sent" && !(await isDeliveryConfirmed(db, id)));
    if (isUnconfirmed) await confirmDelivery(db, ctx);
    return { outcome };
  });
}

/**
 * Tells the auth and users services that the mail was sent: the lifetime of a link starts then, and an old address is kept
 * until its owner has been notified. Runs after the delivery is recorded, so that a job that fails here does not send the mail
 * again.
 */
async function confirmDelivery(db: MailDeps["db"], { params, call }: Ctx): Promise<void> {
  const { id, kind, email_change } = params;
  if (isLinkKind(kind)) await call("auth.markMailSent", { token_id: id });
  if (kind === "change_email") await call("users.recordEmailChangeMail", { token_id: id, kind });
  if ((kind === "email_change_requested" || kind === "email_changed") && email_change !== undefined)
    await call("users.recordEmailChangeMail", { token_id: email_change, kind });
  await recordDeliveryConfirmed(db, id);
}
