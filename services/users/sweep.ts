import type { Database } from "../../mixins/database.mixin.ts";
import { sweepMeshTables } from "../../mixins/mesh-sweep.ts";
import type { AvatarStore } from "./avatar-store.ts";
import { dropUnusedAvatars } from "./change-avatar.ts";
import { dropClosedChanges, endOutdatedChanges } from "./email-changes.repo.ts";

export async function sweepUsers(deps: {
  readonly db: Database;
  readonly avatars: AvatarStore;
}): Promise<Record<string, number>> {
  return {
    ...(await sweepMeshTables(deps.db)),
    email_changes: (await endOutdatedChanges(deps.db)) + (await dropClosedChanges(deps.db)),
    avatars: await dropUnusedAvatars(deps),
  };
}
