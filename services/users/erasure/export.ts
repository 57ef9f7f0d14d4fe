import { type ExportSection, eventsSection, fewOf, tableSection } from "../../../mixins/personal-data/export-pages.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { listAvatarsInUse } from "../profile/avatars.repo.ts";
import { readFullAvatar } from "../profile/change-avatar.ts";
import { viewProfile } from "../profile/profile-view.ts";
import { readProfile } from "../profile/profiles.repo.ts";
import { EmailChanges, RoleMembers, Subscriptions, Users } from "../users.entities.ts";

type Deps = Pick<UsersDeps, "db" | "ring" | "avatars">;

/** Fields that are sealed at rest are exported unencrypted, because the export is for their owner. */
export function exportSections({ db, ring, avatars }: Deps): readonly ExportSection[] {
  const derived = "derived from the other columns";
  const internal = "internal";
  return [
    tableSection(db, {
      name: "account",
      entity: Users,
      owner: "id",
      orderBy: "id",
      omit: {
        email_key: derived,
        username_key: derived,
        search_text: derived,
        hidden_until_verified: internal,
        status_event_id: internal,
        subscription_event_id: internal,
        roles_event_id: internal,
      },
    }),
    fewOf("profile", async (userId) => {
      const row = await readProfile(db, userId);
      return row ? [viewProfile(ring, row)] : [];
    }),
    tableSection(db, {
      name: "roles",
      entity: RoleMembers,
      orderBy: "role",
      omit: { granted_by: "another person's id" },
    }),
    tableSection(db, { name: "subscription", entity: Subscriptions, orderBy: "user_id", omit: {} }),
    tableSection(db, {
      name: "email_changes",
      entity: EmailChanges,
      orderBy: "token_id",
      omit: { token_id: "part of the mailed link", new_email_key: derived, epoch: internal },
    }),
    avatarSection({ db, avatars }),
    eventsSection(db),
  ];
}

/** One avatar per page, because they are large. */
function avatarSection(deps: Pick<Deps, "db" | "avatars">): ExportSection {
  return {
    name: "avatars",
    async read(userId, after) {
      const [first, second] = await listAvatarsInUse(deps.db, userId, after);
      if (!first) return { rows: [], next: null };
      const { key, created_at } = first;
      return { rows: [{ created_at, webp: await readFullAvatar(deps, key) }], next: second ? key : null };
    },
  };
}
