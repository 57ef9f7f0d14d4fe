import { requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { isoOrNull, type UserView, viewUser } from "../core/user-view.ts";
import type { CachedAccount, UsersDeps } from "../core/users.deps.ts";
import { readLastLogin, readUser, readUserOfTenant } from "../core/users.repo.ts";

type Deps = Pick<UsersDeps, "db" | "accounts" | "lastLogins">;

export async function getUser({ db, accounts, lastLogins }: Deps, id: string): Promise<UserView | null> {
  const [account, login] = await Promise.all([
    accounts.read(id, () => readCachedAccount(db, id)),
    lastLogins.read(id, () => readLastLogin(db, id)),
  ]);
  return account && { ...account, last_login_at: isoOrNull(login?.at ?? null) };
}

/** The caller's own account. If it no longer exists, the session counts as ended. */
export async function getMe(deps: Deps, { caller }: Pick<ActionContext, "caller">): Promise<UserView> {
  const { user_id, auth_time } = requireUser(caller);
  const user = await getUser(deps, user_id);
  if (!user) throw new AppError("session_ended");
  // The cached time may be older than the sign-in from which this token comes.
  const signedInAt = new Date(auth_time * 1_000).toISOString();
  const known = user.last_login_at;
  return known !== null && known >= signedInAt ? user : { ...user, last_login_at: signedInAt };
}

/** Administrators get 404 for an account of another tenant. */
export async function getForAdmin(
  { db }: Pick<Deps, "db">,
  { caller, params }: ActionContext<{ readonly id: string }>,
): Promise<UserView> {
  const row = await readUserOfTenant(db, requireUser(caller).tenant_id, params.id);
  if (!row) throw new AppError("not_found");
  return viewUser(row);
}

async function readCachedAccount(db: Deps["db"], id: string): Promise<CachedAccount | null> {
  const row = await readUser(db, id);
  if (!row) return null;
  const { last_login_at: _, ...account } = viewUser(row);
  return account;
}
