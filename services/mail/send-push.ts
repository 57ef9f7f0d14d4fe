import { randomUUID } from "node:crypto";
import { AppError, isError } from "../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../lib/actions/typed-call.ts";
import type { MailDeps } from "./mail.deps.ts";
import {
  findPushState,
  lockPush,
  type Push,
  recordPushSent,
  recordPushSkipped,
  releasePushLock,
  renewPushLock,
  type SkipReason,
} from "./pushes.repo.ts";
import { recordWithRetry } from "./record-with-retry.ts";
import { withHeartbeat } from "./with-heartbeat.ts";

type Outcome = Actions["mail.sendPush"]["result"];
type Ctx = Pick<ActionContext<Actions["mail.sendPush"]["params"]>, "params" | "call">;

/**
 * Hands a push on once. Killed between the service's answer and our record, it goes out again with the same
 * Idempotency-Key. What its user wants, and his token, are asked for at the last moment.
 */
export async function sendPush(deps: MailDeps, ctx: Ctx): Promise<Outcome> {
  try {
    const claim = randomUUID();
    const push = await lockPush(deps.db, ctx.params.id, claim);
    return push ? await sendLocked(deps, ctx, push, claim) : await afterAnother(deps, ctx);
  } catch (error) {
    throw asOtherFault(error);
  }
}

async function sendLocked(deps: MailDeps, ctx: Ctx, push: Push, claim: string): Promise<Outcome> {
  const { db } = deps;
  const renew = () => renewPushLock(db, push.id, claim);
  const outcome = await withHeartbeat(deps, renew, () => deliver(deps, ctx, push)).catch(async (error) => {
    await releasePushLock(db, push.id, claim).catch(() => undefined);
    throw error;
  });
  if (outcome !== "sent") {
    await recordPushSkipped(db, push.id, claim, outcome);
    return { outcome: "skipped" };
  }
  await recordWithRetry(deps, () => recordPushSent(db, push.id));
  return { outcome: "sent" };
}

async function deliver({ pushService }: MailDeps, { call }: Ctx, push: Push): Promise<"sent" | SkipReason> {
  const { id, user_id, title, body, data } = push;
  const recipient = await call("users.pushRecipient", { id: user_id });
  if (!recipient) return "no_account";
  if (!recipient.is_active) return "inactive";
  const { notification_push, language } = await call("preferences.get", { user_id });
  if (!notification_push) return "not_wanted";
  const { push_token, name } = recipient;
  if (push_token === null) return "no_token";
  const user = { id: user_id, name, language };
  const answer = await pushService.send({ id, push_token, user, title, body, data });
  if (answer === "taken") return "sent";
  // 404 is also what a wrong PUSH_URL answers, to every push: that must not cost everybody his token.
  if (answer === "token_gone") await call("users.removePushToken", { id: user_id, push_token });
  return "token_gone";
}

async function afterAnother({ db }: MailDeps, { params }: Ctx): Promise<Outcome> {
  const state = await findPushState(db, params.id);
  if (state === "waiting")
    throw new AppError("overloaded", { cause: new Error("Another worker is sending this push") });
  // There is no row for somebody who was erased.
  return { outcome: state === "sent" ? "already_sent" : "skipped" };
}

/** The breaker on `mail.sendPush` stands for the push service: that users or the database is away must not open it. */
function asOtherFault(error: unknown): unknown {
  const isOurs = error instanceof AppError && (error.status < 500 || isError(error, "push_unavailable", "overloaded"));
  return isOurs ? error : new AppError("overloaded", { retry_after: 1, cause: error });
}
