import type { MeshEvent } from "../../../lib/events/events.ts";
import { handleOnce } from "../../../mixins/event-consumer.mixin.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { lockAccount } from "../core/users.repo.ts";
import { endChangesBefore } from "./email-changes.repo.ts";

/** Who gets an account back by a new password must not lose it to an address that somebody else asked for before. */
export async function cancelPendingEmail(deps: Pick<UsersDeps, "db" | "clock">, event: MeshEvent): Promise<void> {
  await handleOnce(deps, event, "end-pending-email", async (tx) => {
    if (await lockAccount(tx, event.user_id)) await endChangesBefore(tx, event.user_id, event.timestamp);
  });
}
