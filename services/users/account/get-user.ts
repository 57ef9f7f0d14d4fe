import { requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { type UserView, viewUser } from "../core/user-view.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { readUser, readUserOf } from "../core/users.repo.ts";

type Deps = Pick<UsersDeps, "db" | "accounts">;

export async function getUser({ db, accounts }: Deps, id: string): Promise<UserView | null> {
  return accounts.read(id, async () => {
    const row = await readUser(db, id);
    return row ? viewUser(row) : null;
  });
}

/** The caller's own account. A token that outlived it is of no use any more. */
export async function getMe(deps: Deps, { caller }: Pick<ActionContext, "caller">): Promise<UserView> {
  const user = await getUser(deps, requireUser(caller).user_id);
  if (!user) throw new AppError("session_ended");
  return user;
}

/** To an administrator another tenant's account is as unknown as one that never was. */
export async function getForAdmin(
  { db }: Pick<Deps, "db">,
  { caller, params }: ActionContext<{ readonly id: string }>,
): Promise<UserView> {
  const row = await readUserOf(db, requireUser(caller).tenant_id, params.id);
  if (!row) throw new AppError("not_found");
  return viewUser(row);
}
