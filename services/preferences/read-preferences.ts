import { requireUser } from "../../lib/actions/caller.ts";
import { AppError } from "../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../lib/actions/typed-call.ts";
import type { NearCache } from "../../lib/revocation/near-cache.ts";
import type { Clock, Random } from "../../lib/runtime/clock.ts";
import { idTime } from "../../lib/runtime/ids.ts";
import type { Database } from "../../mixins/database/database.mixin.ts";
import type { ServiceCaches } from "../../mixins/near-cache.mixin.ts";
import type { Outbox } from "../../mixins/outbox/outbox.mixin.ts";
import { defaults, type StoredPreferences } from "./defaults.ts";
import type { PreferencesRow } from "./preferences.entities.ts";
import { readPreferences } from "./preferences.repo.ts";

export interface PreferencesDeps {
  readonly db: Database;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly random: Random;
  readonly caches: Pick<ServiceCaches, "invalidating">;
  readonly cache: NearCache<StoredPreferences>;
}

type Deps = Pick<PreferencesDeps, "db" | "cache">;

/** The caller's preferences: the settings that this service stores and the visibility that the users service stores. */
export async function getOwnPreferences(
  deps: Deps,
  { caller, call }: ActionContext,
): Promise<Actions["preferences.me"]["result"]> {
  const { user_id } = requireUser(caller);
  const [stored, visibility] = await Promise.all([
    getPreferences(deps, user_id),
    call("users.visibility", { user_id }),
  ]);
  return { ...stored, ...visibility };
}

/** Users who never changed a setting have the defaults. */
export async function getPreferences({ db, cache }: Deps, userId: string): Promise<StoredPreferences> {
  const load = async () => viewPreferences(userId, await readPreferences(db, userId));
  // `load` never returns null; the second call only satisfies the type of `read`.
  return (await cache.read(userId, load)) ?? load();
}

/**
 * The users service decides who may see whom. `users.isVisible` reads no cache, so that a change of visibility applies here
 * immediately.
 */
export async function getPersonPreferences(
  deps: Deps,
  { caller, call, params: { id } }: ActionContext<{ readonly id: string }>,
): Promise<Actions["preferences.person"]["result"]> {
  const { user_id: viewer_id, tenant_id, permissions } = requireUser(caller);
  const as_connection = permissions.includes("connections:assert");
  const { visible } = await call("users.isVisible", { id, tenant_id, viewer_id, as_connection });
  if (!visible) throw new AppError("not_found");
  const all = await getPreferences(deps, id);
  const { user_id, desired_titles, job_types, job_levels, industries, interests, preferred_locations } = all;
  const lists = { desired_titles, job_types, job_levels, industries, interests, preferred_locations };
  return { user_id, ...lists, remote: all.remote, willing_to_relocate: all.willing_to_relocate };
}

export function viewPreferences(
  userId: string,
  row: Pick<PreferencesRow, "overrides" | "updated_at"> | undefined,
): StoredPreferences {
  return {
    user_id: userId,
    ...defaults,
    ...row?.overrides,
    updated_at: (row?.updated_at ?? createdAt(userId)).toISOString(),
  };
}

/** When the account was created, from its id. It is the `updated_at` of preferences that were never changed. */
export function createdAt(userId: string): Date {
  try {
    return idTime(userId);
  } catch {
    // Imported accounts may keep an id that contains no time.
    return new Date(0);
  }
}
