import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { brokenUnique } from "../../../lib/database/database-errors.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { usernameKey } from "../../../lib/runtime/text-keys.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";
import { searchText } from "../core/search-text.ts";
import { appendUserEvent } from "../core/user-events.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { type Account, updateAccount } from "../core/users.repo.ts";
import { cancelPendingChanges, closeEmailChange, insertEmailChange } from "../email-change/email-changes.repo.ts";
import { indexableEmailKey } from "./create-user.ts";

type Params = Actions["users.adminUpdate"]["params"];
type Deps = Pick<UsersDeps, "outbox" | "clock" | "random">;

const fields = ["full_name", "username", "email", "is_verified"] as const;

/**
 * Name, username, address and verification, set by an administrator. A new address counts at once, unverified unless he
 * vouches for it; wishes of the owner that wait for a link end, and the old address is told.
 */
export async function changeAccount(
  deps: Deps,
  tx: InvalidatingTransaction,
  ctx: ActionContext<Params>,
  account: Account,
): Promise<Account> {
  const next = merge(account, ctx.params);
  const updated_fields = fields.filter((name) => next[name] !== account[name]);
  if (updated_fields.length === 0) return account;
  await write(tx, next);
  const email_change = next.email === account.email ? null : await noteEmailChange(deps, tx, account, next);
  const data = { updated_fields, ...(email_change !== null && { email_change }) };
  await appendUserEvent(deps.outbox, tx, ctx, { type: "user.updated", user: next, data });
  return next;
}

function merge(account: Account, { full_name, username, email, is_verified }: Params): Account {
  const isNew = email !== undefined && email !== account.email;
  return {
    ...account,
    ...(full_name !== undefined && { full_name }),
    ...(username !== undefined && { username }),
    ...(isNew && { email, email_key: indexableEmailKey(email), pending_email: null }),
    is_verified: is_verified ?? (isNew ? false : account.is_verified),
  };
}

async function write(tx: InvalidatingTransaction, next: Account): Promise<void> {
  const username_key = next.username === null ? null : usernameKey(next.username);
  try {
    await updateAccount(tx, { ...next, username_key, search_text: searchText(next) });
  } catch (error) {
    if (brokenUnique(error) === "users_username") throw new AppError("username_taken");
    if (brokenUnique(error) === "users_email") throw new AppError("email_taken");
    throw error;
  }
}

/** The row keeps the old address until it was written to. */
async function noteEmailChange({ clock, random }: Deps, tx: InvalidatingTransaction, account: Account, next: Account) {
  await cancelPendingChanges(tx, account.id);
  const token_id = newId(clock, random);
  await insertEmailChange(tx, {
    token_id,
    user_id: account.id,
    old_email: account.email,
    new_email: next.email,
    new_email_key: next.email_key,
    epoch: 0,
  });
  await closeEmailChange(tx, token_id, "applied");
  return token_id;
}
