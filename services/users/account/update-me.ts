import { requireUser, type UserCaller } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import { assertUnchanged } from "../../../lib/actions/preconditions.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";
import { UserChange } from "../contract/users-shapes.contract.ts";
import { indexableEmailKey } from "../core/derived-columns.ts";
import { requireRecentAuth } from "../core/require-recent-auth.ts";
import { appendUserEvent } from "../core/user-events.ts";
import { type UserView, viewUser } from "../core/user-view.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { type Account, lockAccount, readUser } from "../core/users.repo.ts";
import { cancelPendingChanges, countRecentChanges, insertEmailChange } from "../email-change/email-changes.repo.ts";
import { writeAccount } from "./change-account.ts";

type Params = Actions["users.updateMe"]["params"];
type Deps = Pick<UsersDeps, "db" | "caches" | "outbox" | "clock" | "random">;

const { email: _, current_password: __, ...fieldsWithoutConfirmation } = UserChange.shape;

/**
 * Changes only the fields that are sent; `null` clears a field. A new email stays `pending_email` until its link is used,
 * and is not reserved meanwhile.
 */
export async function updateMe(deps: Deps, ctx: ActionContext<Params>): Promise<UserView> {
  const caller = requireUser(ctx.caller);
  return runIdempotently(deps.caches.invalidating(ctx.call, caller.user_id), ctx, {
    userId: caller.user_id,
    prepare: () => prepareSignInNameChange(deps, ctx, caller),
    commit: (tx, epoch) => changeMe(deps, tx, ctx, caller, epoch),
  });
}

/**
 * Both names that the account signs in with are protected: the email and the username (ASVS 5.0 V7.5.1). The epoch is read
 * before the password is checked, so that revoking all sessions after that invalidates the link to a new address too.
 */
export async function prepareSignInNameChange(
  deps: Deps,
  ctx: ActionContext<Params>,
  caller: UserCaller,
): Promise<number> {
  if (!(await requestsOtherSignInName(deps, caller, ctx.params))) return 0;
  const { epoch } = await ctx.call("sessions.epoch", { user_id: caller.user_id });
  await requireRecentAuth(deps, ctx, ctx.params.current_password);
  return epoch;
}

async function requestsOtherSignInName(
  { db }: Deps,
  caller: UserCaller,
  { email, username }: Params,
): Promise<boolean> {
  if (email === undefined && username === undefined) return false;
  // Refuses an address that is too long before the password is checked.
  if (email !== undefined) indexableEmailKey(email);
  const user = await readUser(db, caller.user_id);
  return (email !== undefined && user?.email !== email) || (username !== undefined && user?.username !== username);
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
  assertUnchanged(ctx, account.updated_at);
  const requested = await recordEmailChangeRequest(deps, tx, account, { email: ctx.params.email, epoch });
  const changes = {
    ...changedColumns(account, ctx.params),
    ...(requested && { pending_email: requested.pending_email }),
  };
  const updated_fields = Object.keys(changes);
  if (updated_fields.length > 0) {
    const next = await writeAccount(tx, account, changes);
    const data = { updated_fields, ...(requested?.token_id && { email_change: requested.token_id }) };
    await appendUserEvent(deps.outbox, tx, ctx, { type: "user.updated", user: next, data });
  }
  const row = await readUser(tx, account.id);
  if (!row) throw new AppError("session_ended");
  return viewUser(row);
}

function changedColumns(account: Account, params: Params): Partial<Account> {
  const names = Object.keys(fieldsWithoutConfirmation) as Array<keyof typeof fieldsWithoutConfirmation>;
  const changed = names.filter((name) => params[name] !== undefined && params[name] !== account[name]);
  return Object.fromEntries(changed.map((name) => [name, params[name]]));
}

const MAX_EMAIL_CHANGES_PER_HOUR = 10;

interface EmailChangeRequest {
  readonly pending_email: string | null;
  readonly token_id?: string;
}

/** A new request cancels the pending ones; sending the current address only cancels them. */
async function recordEmailChangeRequest(
  { clock, random }: Deps,
  tx: InvalidatingTransaction,
  account: Account,
  { email, epoch }: { readonly email: string | undefined; readonly epoch: number },
): Promise<EmailChangeRequest | undefined> {
  if (email === undefined || (email === account.email && account.pending_email === null)) return undefined;
  await cancelPendingChanges(tx, account.id);
  if (email === account.email) return { pending_email: null };
  if ((await countRecentChanges(tx, account.id)) >= MAX_EMAIL_CHANGES_PER_HOUR)
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
