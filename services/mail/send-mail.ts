import { randomUUID } from "node:crypto";
import type { ResultOf } from "../../lib/actions/contract.ts";
import { AppError, isError } from "../../lib/actions/errors.ts";
import type { ActionContext } from "../../lib/actions/typed-call.ts";
import { compose } from "./compose.ts";
import type { MailJob, mailContract } from "./mail.contract.ts";
import type { MailDeps } from "./mail.deps.ts";
import {
  findMessage,
  lockMessage,
  recordConfirmed,
  recordSent,
  recordSkipped,
  releaseLock,
  renewLock,
} from "./mail.repo.ts";
import { recordWithRetry } from "./record-with-retry.ts";
import { isLinkKind } from "./templates.ts";
import { withHeartbeat } from "./with-heartbeat.ts";

type Outcome = ResultOf<typeof mailContract, "send">;
type Ctx = Pick<ActionContext<MailJob>, "params" | "call">;

/**
 * Sends a message once. The row says who is at it; it is written before SMTP talks and after, and nothing is locked
 * meanwhile. Killed between the server's 250 and our record, it goes out again, with the same Message-ID and token.
 */
export async function sendMail(deps: MailDeps, ctx: Ctx): Promise<Outcome> {
  try {
    const claim = randomUUID();
    return (await lockMessage(deps.db, ctx.params, claim))
      ? await sendLocked(deps, ctx, claim)
      : await afterAnother(deps, ctx);
  } catch (error) {
    throw asOtherFault(error);
  }
}

async function sendLocked(deps: MailDeps, ctx: Ctx, claim: string): Promise<Outcome> {
  const { id } = ctx.params;
  const renew = () => renewLock(deps.db, id, claim);
  const sent = await withHeartbeat(deps, renew, async () => {
    const mail = await compose(deps, ctx);
    if (mail) await deps.transport.send(mail);
    return mail !== null;
  }).catch(async (error) => {
    await releaseLock(deps.db, id, claim).catch(() => undefined);
    throw error;
  });
  if (!sent) {
    await recordSkipped(deps.db, id, claim);
    return { outcome: "skipped" };
  }
  await recordWithRetry(deps, () => recordSent(deps.db, id));
  await confirm(deps, ctx);
  return { outcome: "sent" };
}

async function afterAnother(deps: MailDeps, ctx: Ctx): Promise<Outcome> {
  const message = await findMessage(deps.db, ctx.params.id);
  // There is no row for somebody who was erased.
  if (!message || message.state === "skipped") return { outcome: "skipped" };
  if (message.state !== "sent")
    throw new AppError("mail_deferred", { cause: new Error("Another worker is sending this message") });
  if (!message.confirmed) await confirm(deps, ctx);
  return { outcome: "already_sent" };
}

/** auth counts a link's time from here, and users keeps an old address until here. It comes after the record: when it fails, the job comes again and only this is repeated. */
async function confirm({ db }: MailDeps, { params, call }: Ctx): Promise<void> {
  const { id, kind, email_change } = params;
  if (isLinkKind(kind)) await call("auth.markMailSent", { token_id: id });
  if (kind === "change_email") await call("users.recordEmailChangeMail", { token_id: id, kind });
  if ((kind === "email_change_requested" || kind === "email_changed") && email_change !== undefined)
    await call("users.recordEmailChangeMail", { token_id: email_change, kind });
  await recordConfirmed(db, id);
}

/** The breaker on `mail.send` stands for the SMTP server: that auth or the database is away must not open it. */
function asOtherFault(error: unknown): unknown {
  const isOurs = error instanceof AppError && (error.status < 500 || isError(error, "mail_unavailable", "overloaded"));
  return isOurs ? error : new AppError("overloaded", { retry_after: 1, cause: error });
}
