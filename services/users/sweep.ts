import type { Call } from "../../lib/actions/typed-call.ts";
import { sweepServiceTables } from "../../mixins/service-sweep.ts";
import type { UsersDeps } from "./core/users.deps.ts";
import { dropClosedChanges, endChangesBefore, listOutdatedChanges } from "./email-change/email-changes.repo.ts";
import { dropUnusedAvatars } from "./profile/change-avatar.ts";

export async function sweepUsers(
  deps: Pick<UsersDeps, "db" | "caches" | "avatars">,
  call: Call,
): Promise<Record<string, number>> {
  return {
    ...(await sweepServiceTables(deps.db)),
    email_changes: (await endOutdatedChanges(deps, call)) + (await dropClosedChanges(deps.db)),
    avatars: await dropUnusedAvatars(deps),
  };
}

const BATCH = 500;

async function endOutdatedChanges({ db, caches }: Pick<UsersDeps, "db" | "caches">, call: Call): Promise<number> {
  let ended = 0;
  for (const { user_id, requested_at } of await listOutdatedChanges(db, BATCH))
    ended += await caches
      .invalidating(call, user_id)
      .transaction((tx) => endChangesBefore(tx, user_id, requested_at.toISOString()));
  return ended;
}
