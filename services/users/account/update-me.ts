import { requireUser, type UserCaller } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { brokenUnique } from "../../../lib/database/database-errors.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { usernameKey } from "../../../lib/runtime/text-keys.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";
import { requireRecentAuth } from "../core/require-recent-auth.ts";
import { searchText } from "../core/search-text.ts";
import { appendUserEvent } from "../core/user-events.ts";
import { type UserView, viewUser } from "../core/user-view.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { type Account, lockAccount, readUser, updateBasicProfile } from "../core/users.repo.ts";
import { cancelPendingChanges, countRecentChanges, insertEmailChange } from "../email-change/email-changes.repo.ts";
import { indexableEmailKey } from "./create-user.ts";

type Params = Actions["users.updateMe"]["params"];
type Deps = Pick<UsersDeps, "db" | "caches" | "outbox" | "clock" | "random">;

const plainFields = ["username", "full_name", "current_title", "company", "location", "bio", "push_token"] as const;

/**
 * Changes just the fields that are sent; null clears one. A new address waits as `pending_email` until its link is used;
 * it is not reserved meanwhile.
 */
export async function updateMe(deps: Deps, ctx: ActionContext<Params>): Promise<UserView> {
  const caller = requireUser(ctx.caller);
  return runIdempotently(deps.caches.invalidating(ctx.call, caller.user_id), ctx, {
    userId: caller.user_id,
    prepare: () => prepareEmailChange(deps, ctx, caller),
    commit: (tx, epoch) => changeMe(deps, tx, ctx, caller, epoch),
  });
}

/** The epoch is read before the proof: what ends the sessions from now on ends the link too. */
export async function prepareEmailChange(deps: Deps, ctx: ActionContext<Params>, caller: UserCaller): Promise<number> {
  if (!(await asksForOtherEmail(deps, caller, ctx.params))) return 0;
  const { epoch } = await ctx.call("sessions.epoch", { user_id: caller.user_id });
  await requireRecentAuth(deps, ctx, ctx.params.current_password);
  return epoch;
}

async function asksForOtherEmail({ db }: Deps, caller: UserCaller, { email }: Params): Promise<boolean> {
  if (email === undefined) return false;
  indexableEmailKey(email);
  return (await readUser(db, caller.user_id))?.email !== email;
}

export async function changeMe(
  deps: Deps,
  tx: InvalidatingTransaction,
  ctx: ActionContext<Params>,
  caller: UserCaller,
  epoch: number,
): Promise<UserView> {
  const account = await lockAccount(tx, caller.user_id);
  if (!account) throw new AppError("session_ended");
  const wish = await recordEmailChangeRequest(deps, tx, account, { email: ctx.params.email, epoch });
  const next = { ...merge(account, ctx.params), ...(wish && { pending_email: wish.pending_email }) };
  const updated_fields = [
    ...plainFields.filter((name) => next[name] !== account[name]),
    ...(wish ? ["pending_email"] : []),
  ];
  if (updated_fields.length > 0) {
    await write(tx, next);
    const data = { updated_fields, ...(wish?.token_id && { email_change: wish.token_id }) };
    await appendUserEvent(deps.outbox, tx, ctx, { type: "user.updated", user: next, data });
  }
  const row = await readUser(tx, account.id);
  if (!row) throw new AppError("session_ended");
  return viewUser(row);
}

function merge(account: Account, params: Params): Account {
  const sent = plainFields.filter((name) => params[name] !== undefined).map((name) => [name, params[name]]);
  return { ...account, ...Object.fromEntries(sent) };
}

const MAX_AN_HOUR = 10;

interface EmailChangeRequest {
  readonly pending_email: string | null;
  readonly token_id?: string;
}

/** A newer wish ends the older ones; the present address sent again takes them back. */
async function recordEmailChangeRequest(
  { clock, random }: Deps,
  tx: InvalidatingTransaction,
  account: Account,
  { email, epoch }: { readonly email: string | undefined; readonly epoch: number },
): Promise<EmailChangeRequest | undefined> {
  if (email === undefined || (email === account.email && account.pending_email === null)) return undefined;
  await cancelPendingChanges(tx, account.id);
  if (email === account.email) return { pending_email: null };
  if ((await countRecentChanges(tx, account.id)) >= MAX_AN_HOUR)
    throw new AppError("rate_limited", { retry_after: 3_600, cause: new Error("Too many email change requests") });
  const token_id = newId(clock, random);
  await insertEmailChange(tx, {
    token_id,
    user_id: account.id,
    old_email: account.email,
    new_email: email,
    new_email_key: indexableEmailKey(email),
    epoch,
  });
  return { pending_email: email, token_id };
}

async function write(tx: InvalidatingTransaction, next: Account): Promise<void> {
  const username_key = next.username === null ? null : usernameKey(next.username);
  try {
    await updateBasicProfile(tx, { ...next, username_key, search_text: searchText(next) });
  } catch (error) {
    if (brokenUnique(error) === "users_username") throw new AppError("username_taken");
    throw error;
  }
}
