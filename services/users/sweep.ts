import type { Database } from "../../mixins/database.mixin.ts";
import { sweepServiceTables } from "../../mixins/service-sweep.ts";
import { dropClosedChanges, endOutdatedChanges } from "./email-change/email-changes.repo.ts";
import type { AvatarStore } from "./profile/avatar-store.ts";
import { dropUnusedAvatars } from "./profile/change-avatar.ts";

export async function sweepUsers(deps: {
  readonly db: Database;
  readonly avatars: AvatarStore;
}): Promise<Record<string, number>> {
  return {
    ...(await sweepServiceTables(deps.db)),
    email_changes: (await endOutdatedChanges(deps.db)) + (await dropClosedChanges(deps.db)),
    avatars: await dropUnusedAvatars(deps),
  };
}
