import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { deliverOnce, withDeliveryErrors } from "../delivery.ts";
import type { MailDeps } from "../mail.deps.ts";
import { lockPush, type Push, recordPushSent, recordPushSkipped, type SkipReason } from "./pushes.repo.ts";

type Outcome = Actions["mail.sendPush"]["result"];
type Ctx = Pick<ActionContext<Actions["mail.sendPush"]["params"]>, "params" | "call" | "correlationId">;

export function sendPush(deps: MailDeps, ctx: Ctx): Promise<Outcome> {
  const { db } = deps;
  const { id } = ctx.params;
  return withDeliveryErrors(async () => ({
    outcome: await deliverOnce<Push, SkipReason>(deps, {
      table: "mail.pushes",
      id,
      lockedError: "overloaded",
      lock: (lockId) => lockPush(db, id, lockId),
      send: (push) => send(deps, ctx, push),
      recordSent: () => recordPushSent(db, id),
      recordSkipped: (lockId, reason) => recordPushSkipped(db, id, lockId, reason),
    }),
  }));
}

/** Reads the recipient's settings and token immediately before sending: they may have changed since the push was requested. */
async function send({ pushService }: MailDeps, { call, correlationId }: Ctx, push: Push): Promise<"sent" | SkipReason> {
  const { id, user_id, title, body, data } = push;
  const recipient = await call("users.pushRecipient", { id: user_id });
  if (!recipient) return "no_account";
  if (!recipient.is_active) return "inactive";
  const { notification_push, language } = await call("preferences.get", { user_id });
  if (!notification_push) return "not_wanted";
  const { push_token, name } = recipient;
  if (push_token === null) return "no_token";
  const user = { id: user_id, name, language };
  const result = await pushService.send({ id, push_token, user, title, body, data }, correlationId);
  if (result === "accepted") return "sent";
  // A token that is only unknown is kept, because a wrong PUSH_URL answers every push with 404.
  if (result === "token_gone") await call("users.removePushToken", { id: user_id, push_token });
  return result;
}
