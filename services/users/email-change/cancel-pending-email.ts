import type { Call } from "../../../lib/actions/typed-call.ts";
import type { MeshEvent } from "../../../lib/events/events.ts";
import { handleOnce } from "../../../mixins/event-consumer.mixin.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { lockAccount } from "../core/users.repo.ts";
import { endChangesBefore } from "./email-changes.repo.ts";

/** A user who recovers an account with a new password must not lose it to an address that an attacker requested before. */
export async function cancelPendingEmail(
  { caches, clock }: Pick<UsersDeps, "caches" | "clock">,
  call: Call,
  event: MeshEvent,
): Promise<void> {
  const db = caches.invalidating(call, event.user_id);
  await handleOnce({ db, clock }, event, "end-pending-email", async (tx) => {
    if (await lockAccount(tx, event.user_id)) await endChangesBefore(tx, event.user_id, event.timestamp);
  });
}
