import { signal } from "@preact/signals";
import type { Activity, User } from "../app/api-types.ts";
import { may, tenantApi } from "./access.ts";
import { displayName } from "./accounts/account-badges.ts";

/** Names of accounts by their ids. The activity log has ids only, because names in it could not be erased. */
const names = signal<ReadonlyMap<string, string>>(new Map());
const MAX_ASKED = 100;

/** The name of an account, once it is known; accounts that are erased have none. */
export function nameOf(id: string | null): string | undefined {
  return id === null ? undefined : names.value.get(id);
}

/** Reads the names of accounts in these entries that are not known yet. If that fails, the entries are shown without names. */
export async function learnNames(entries: ReadonlyArray<Pick<Activity, "user_id" | "actor_id">>): Promise<void> {
  if (!may("users:read")) return;
  const ids = entries.flatMap(({ user_id, actor_id }) => [user_id, actor_id]);
  const unknown = [...new Set(ids)].filter((id) => id !== null && !names.value.has(id)).slice(0, MAX_ASKED);
  if (unknown.length === 0) return;
  const query = { ids: unknown.join(","), limit: MAX_ASKED };
  const { data } = await tenantApi.get<readonly User[]>("admin/users", query);
  names.value = new Map([...names.value, ...data.map((user) => [user.id, displayName(user)] as const)]);
}

/** The account that an entry is about, and the actor if that is somebody else. */
export function describePeople({ user_id, actor_id, actor, ip }: Activity): string {
  const other = actor ?? (actor_id === user_id ? undefined : nameOf(actor_id));
  const people = [nameOf(user_id), other].filter((name) => name !== undefined && name !== null);
  return [people.join(" ← "), ip].filter(Boolean).join(" · ");
}
