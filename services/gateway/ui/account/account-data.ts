import type { Activity, Identity, Preferences, Profile, Session, User } from "../app/api-types.ts";
import { announceChange } from "../app/live.ts";
import { createResource, type Resource } from "../app/resource.ts";
import { api } from "../app/session.ts";

// What the account pages show. Each is read when it is first shown, and again when something may have changed elsewhere.

const read =
  <T>(path: string) =>
  async (): Promise<T> =>
    (await api.get<T>(path)).data;

export const account = createResource(read<User>("users/me"));
export const profile = createResource(read<Profile>("users/me/profile"));
export const preferences = createResource(read<Preferences>("users/me/preferences"));
export const sessions = createResource(read<readonly Session[]>("auth/sessions"));
export const identities = createResource(read<readonly Identity[]>("auth/identities"));

interface ActivityList {
  readonly items: readonly Activity[];
  readonly next: string | null;
}

const PAGE_SIZE = 20;

export const activity: Resource<ActivityList> = createResource(() => readActivity());

async function readActivity(cursor?: string): Promise<ActivityList> {
  const { data, meta } = await api.get<readonly Activity[]>("users/me/activity", { limit: PAGE_SIZE, cursor });
  return { items: data, next: meta?.next_cursor ?? null };
}

/** Adds the next page of older entries. */
export async function loadOlderActivity(): Promise<void> {
  const shown = activity.data.value;
  if (shown?.next === null || shown === null) return;
  const older = await readActivity(shown.next);
  activity.data.value = { items: [...shown.items, ...older.items], next: older.next };
}

/** Reads again whatever has been shown. */
export async function reloadShown(): Promise<void> {
  const all = [account, profile, preferences, sessions, identities, activity];
  const shown = all.filter(({ data }) => data.value !== null);
  await Promise.all(shown.map((one) => one.load()));
}

/** Shows what a change has returned, and tells the other tabs. */
export function show<T>(resource: Resource<T>, data: T): void {
  resource.data.value = data;
  announceChange();
}
