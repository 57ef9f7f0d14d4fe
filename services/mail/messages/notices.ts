import type { MeshEvent } from "../../../lib/events/events.ts";
import { type ConsumerOptions, handleOnce } from "../../../mixins/event-consumer.mixin.ts";
import type { MailJob } from "../mail.contract.ts";
import type { MailDeps } from "../mail.deps.ts";
import { eraseMessages } from "../personal-data.repo.ts";

type NoticeDeps = Pick<MailDeps, "db" | "outbox" | "clock">;

/** When a stream is consumed from the beginning again, old events must not cause notices. */
const MAX_AGE_MS = 7 * 86_400_000;

export function accountNotices(deps: NoticeDeps): ConsumerOptions {
  return {
    service: "mail",
    stream: "USERS",
    handlers: {
      "user.erased": async (event) => void (await eraseMessages(deps.db, event.user_id)),
      "user.updated": (event) => notifyOfEmailChange(deps, event),
      "password.changed": (event) => notify(deps, event, "password_changed"),
      "identity.linked": (event) => notify(deps, event, "provider_linked", providerOf(event)),
      "identity.unlinked": (event) => notify(deps, event, "provider_unlinked", providerOf(event)),
      "user.deactivated": (event) => (isByAdmin(event) ? notify(deps, event, "account_deactivated") : done),
      "user.reactivated": (event) => (isByAdmin(event) ? notify(deps, event, "account_reactivated") : done),
    },
  };
}

export function sessionNotices(deps: NoticeDeps): ConsumerOptions {
  return {
    service: "mail",
    stream: "SESSIONS",
    handlers: { "token.reused": (event) => notify(deps, event, "token_reused") },
  };
}

const done = Promise.resolve();

/** Users who deactivate their own account get no notice. Events caused by an administrator have a `reason`, which may be null. */
function isByAdmin(event: MeshEvent): boolean {
  return event.reason !== undefined;
}

function providerOf({ provider }: MeshEvent): Pick<MailJob, "provider"> {
  return typeof provider === "string" ? { provider } : {};
}

/** The old address is notified of the request, while the owner can still stop it, and of the change itself. */
async function notifyOfEmailChange(deps: NoticeDeps, event: MeshEvent): Promise<void> {
  const { email_change, updated_fields = [] } = event;
  if (typeof email_change !== "string") return;
  if (updated_fields.includes("pending_email")) await notify(deps, event, "email_change_requested", { email_change });
  if (updated_fields.includes("email")) await notify(deps, event, "email_changed", { email_change });
}

async function notify(
  { db, outbox, clock }: NoticeDeps,
  event: MeshEvent,
  kind: MailJob["kind"],
  more: Pick<MailJob, "email_change" | "provider"> = {},
): Promise<void> {
  const { event_id: id, user_id, tenant_id, correlation_id } = event;
  if (clock.now().getTime() - Date.parse(event.timestamp) > MAX_AGE_MS) return;
  const data: MailJob = { id, kind, user_id, tenant_id, correlation_id, ...more };
  await handleOnce({ db, clock }, event, "notice", (tx) =>
    outbox.enqueue(tx, { queue: "mail", job: { id, name: kind, data }, userId: user_id }),
  );
}
