import { type ExportSection, eventsSection, fewOf } from "../../../mixins/export-pages.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { listAvatarsOf } from "../profile/avatars.repo.ts";
import { readAvatarOf } from "../profile/change-avatar.ts";
import { viewProfile } from "../profile/profile-view.ts";
import { readProfile } from "../profile/profiles.repo.ts";
import { readEmailChanges, readRoles, readSubscription, readWholeAccount } from "./export.repo.ts";

type Deps = Pick<UsersDeps, "db" | "ring" | "avatars">;

/** The data export for the owner, with sealed fields opened and without derived keys. */
export function exportSections({ db, ring, avatars }: Deps): readonly ExportSection[] {
  return [
    fewOf("account", (userId) => readWholeAccount(db, userId)),
    fewOf("profile", async (userId) => {
      const row = await readProfile(db, userId);
      return row ? [viewProfile(ring, row)] : [];
    }),
    fewOf("roles", (userId) => readRoles(db, userId)),
    fewOf("subscription", (userId) => readSubscription(db, userId)),
    fewOf("email_changes", (userId) => readEmailChanges(db, userId)),
    avatarSection({ db, avatars }),
    eventsSection(db),
  ];
}

/** One avatar per page, because they are large. */
function avatarSection(deps: Pick<Deps, "db" | "avatars">): ExportSection {
  return {
    name: "avatars",
    async read(userId, after) {
      const [first, second] = await listAvatarsOf(deps.db, userId, after);
      if (!first) return { rows: [], next: null };
      const { key, created_at } = first;
      return { rows: [{ created_at, webp: await readAvatarOf(deps, key) }], next: second ? key : null };
    },
  };
}
