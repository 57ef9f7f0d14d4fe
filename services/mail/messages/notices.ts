import type { MeshEvent } from "../../../lib/events/events.ts";
import { derivedId } from "../../../lib/runtime/ids.ts";
import { type ConsumerOptions, handleOnce } from "../../../mixins/event-consumer.mixin.ts";
import { MailJob } from "../mail.contract.ts";
import type { MailDeps } from "../mail.deps.ts";
import { eraseDeliveries } from "../personal-data.repo.ts";
import { admitNotice } from "./messages.repo.ts";

type NoticeDeps = Pick<MailDeps, "db" | "outbox" | "clock">;

const DAY_MS = 86_400_000;
/** When a stream is consumed from the beginning again, old events must not cause notices. */
const MAX_AGE_MS = 7 * DAY_MS;

export function accountEvents(deps: NoticeDeps): ConsumerOptions {
  return {
    service: "mail",
    stream: "USERS",
    handlers: {
      "user.erased": async (event) => void (await eraseDeliveries(deps.db, event.user_id)),
      "user.updated": (event) => notifyOfSignInNameChange(deps, event),
      "password.changed": (event) => notify(deps, event, "password_changed", revocationOf(event)),
      "identity.linked": (event) => notify(deps, event, "provider_linked", providerOf(event)),
      "identity.unlinked": (event) => notify(deps, event, "provider_unlinked", providerOf(event)),
      "user.deactivated": (event) => notifyIfByAdmin(deps, event, "account_deactivated"),
      "user.reactivated": (event) => notifyIfByAdmin(deps, event, "account_reactivated"),
    },
  };
}

export function sessionEvents(deps: NoticeDeps): ConsumerOptions {
  return {
    service: "mail",
    stream: "SESSIONS",
    handlers: { "token.reused": (event) => notify(deps, event, "token_reused") },
  };
}

/**
 * Users who deactivate their own account get no notice. Only events caused by an administrator have a `reason`; it may
 * be null.
 */
async function notifyIfByAdmin(deps: NoticeDeps, event: MeshEvent, kind: MailJob["kind"]): Promise<void> {
  if (event.reason !== undefined) await notify(deps, event, kind);
}

/** Nothing for an event of an earlier version. */
function revocationOf({
  reason,
  first_proof,
  removed_providers,
  kept_providers,
}: MeshEvent): Pick<MailJob, "revocation"> {
  const revocation = { reason, first_proof, removed_providers, kept_providers };
  const parsed = MailJob.shape.revocation.safeParse(revocation);
  return parsed.data ? { revocation: parsed.data } : {};
}

function providerOf({ provider }: MeshEvent): Pick<MailJob, "provider"> {
  return typeof provider === "string" ? { provider } : {};
}

/** One request may change both: the notice about the username has an id of its own. */
async function notifyOfSignInNameChange(deps: NoticeDeps, event: MeshEvent): Promise<void> {
  await notifyOfEmailChange(deps, event);
  if (!event.updated_fields?.includes("username")) return;
  await notify(deps, event, "username_changed", { id: derivedId("username", event.event_id) });
}

/**
 * The old address gets a notice of the request, while its owner can still stop the change, and another one of the
 * change.
 */
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
  details: Pick<MailJob, "email_change" | "provider" | "revocation"> & Partial<Pick<MailJob, "id">> = {},
): Promise<void> {
  const { event_id, user_id, tenant_id, correlation_id, timestamp, languages } = event;
  if (clock.now().getTime() - Date.parse(timestamp) > MAX_AGE_MS) return;
  const data: MailJob = {
    id: event_id,
    kind,
    user_id,
    tenant_id,
    correlation_id,
    ...(languages && { languages }),
    ...details,
  };
  const { id } = data;
  await handleOnce({ db, clock }, { event_id: id, timestamp }, "notice", async (tx) => {
    if (await admitNotice(tx, data))
      await outbox.enqueue(tx, { queue: "mail", job: { id, name: kind, data }, userId: user_id });
  });
}
