import type { Answer, ApiClient } from "../clients/api-client.ts";
import type { Usermesh } from "../start/usermesh.ts";
import { newPerson, type Person, type Running, register, signIn } from "./main-flow.ts";

/** What must be refused whatever is broken: none of it may ever be answered with a 2xx. */
export type Denials = Readonly<Record<string, () => Promise<Answer>>>;

const wrong = "Wrong-horse-7-staple";

export interface DenialStage {
  readonly user: Person & { readonly id: string; readonly access: string };
  readonly victim: Person & { readonly id: string };
  readonly denials: Denials;
}

export async function prepareDenials(running: Running & Pick<Usermesh, "database">): Promise<DenialStage> {
  const { api, database } = running;
  const [one, victim] = [await register(running), await register(running)];
  const user = { ...one, access: (await signIn(running, one)).access };
  const ended = await signIn(running, victim);
  await api.post("auth/logout", undefined, ended.access);
  const { refresh: spent } = await signIn(running, victim);
  await api.post("auth/refresh", { refresh_token: spent });
  const longAgo = "UPDATE sessions.sessions SET spent_at = ARRAY[now() - interval '1 hour'] WHERE user_id = $1";
  await database.query(longAgo, [victim.id]);
  return { user, victim, denials: denialsOf(api, { user, victim, ended, spent }) };
}

interface Cast extends Pick<DenialStage, "user" | "victim"> {
  readonly ended: { readonly access: string; readonly refresh: string };
  readonly spent: string;
}

function denialsOf(api: ApiClient, { user, victim, ended, spent }: Cast): Denials {
  const change = { current_password: wrong, new_password: "Fresh-horse-8-staple" };
  return {
    "a wrong password": () => api.post("auth/login", { email: victim.email, password: wrong }),
    "an unknown account": () => api.post("auth/login", { email: newPerson().email, password: wrong }),
    "an ended session": () => api.get("users/me", ended.access),
    "an ended session's refresh": () => api.post("auth/refresh", { refresh_token: ended.refresh }),
    "a spent refresh token": () => api.post("auth/refresh", { refresh_token: spent }),
    "a user on an administrator's path": () => api.get("admin/users", user.access),
    "a user who makes themselves an administrator": () =>
      api.patch(`admin/users/${user.id}`, { roles: ["admin"] }, user.access),
    "a user without a subscription": () => api.get("users/search?q=ada", user.access),
    "a changed password without the old one": () => api.post("auth/change-password", change, user.access),
    "a deletion without the password": () =>
      api.request("DELETE", "users/me", { token: user.access, body: { password: wrong } }),
    "another's mailed token": () => api.post("auth/verify-email", { token: `v1.k1.${user.id}.${"A".repeat(43)}` }),
    "a taken address": () => api.post("auth/register", { ...newPerson(), email: victim.email }),
  };
}
