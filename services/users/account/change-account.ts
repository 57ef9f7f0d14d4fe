import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { violatedConstraint } from "../../../lib/database/database-errors.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";
import { accountTexts } from "../contract/users-shapes.contract.ts";
import { derivedColumns } from "../core/derived-columns.ts";
import { appendUserEvent } from "../core/user-events.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { type Account, updateAccount } from "../core/users.repo.ts";
import { cancelPendingChanges, closeEmailChange, insertEmailChange } from "../email-change/email-changes.repo.ts";

type Params = Actions["users.adminUpdate"]["params"];
type Deps = Pick<UsersDeps, "outbox" | "clock" | "random">;

interface AccountChange {
  readonly account: Account;
  /** The event, if the change confirms the address of an account that was not verified. */
  readonly confirmedBy: string | null;
}

/**
 * Username, name and other texts, email and verification, set by an administrator. A new email applies at once, unverified unless the
 * administrator confirms it; pending changes by the owner are cancelled, and the old address is notified.
 */
export async function changeAccount(
  deps: Deps,
  tx: InvalidatingTransaction,
  ctx: ActionContext<Params>,
  account: Account,
): Promise<AccountChange> {
  const changes = changedColumns(account, ctx.params);
  const updated_fields = Object.keys(changes).filter((name) => name !== "pending_email");
  if (updated_fields.length === 0) return { account, confirmedBy: null };
  const next = await writeAccount(tx, account, changes);
  const email_change = next.email === account.email ? null : await recordEmailChange(deps, tx, account, next);
  const isConfirmed = next.is_verified && !account.is_verified;
  const data = {
    updated_fields,
    ...(email_change !== null && { email_change }),
    ...(isConfirmed && { confirmed_by_admin: true }),
  };
  const eventId = await appendUserEvent(deps.outbox, tx, ctx, { type: "user.updated", user: next, data });
  return { account: next, confirmedBy: isConfirmed ? eventId : null };
}

const textFields = ["username", ...(Object.keys(accountTexts) as Array<keyof typeof accountTexts>)] as const;

function changedColumns(account: Account, params: Params): Partial<Account> {
  const { email, is_verified } = params;
  const isNewEmail = email !== undefined && email !== account.email;
  const requested = {
    ...Object.fromEntries(textFields.filter((name) => params[name] !== undefined).map((name) => [name, params[name]])),
    ...(isNewEmail && { email, is_verified: false, pending_email: null }),
    ...(is_verified !== undefined && { is_verified }),
  };
  return Object.fromEntries(
    Object.entries(requested).filter(([name, value]) => account[name as keyof Account] !== value),
  );
}

/** Writes changed fields together with the columns derived from them. 409 `username_taken`, `email_taken`. */
export async function writeAccount(
  tx: InvalidatingTransaction,
  account: Account,
  changes: Partial<Account>,
): Promise<Account> {
  const written = { ...changes, ...derivedColumns({ ...account, ...changes }) };
  try {
    await updateAccount(tx, account.id, written);
  } catch (error) {
    if (violatedConstraint(error) === "users_username") throw new AppError("username_taken");
    if (violatedConstraint(error) === "users_email") throw new AppError("email_taken");
    throw error;
  }
  return { ...account, ...written };
}

/** The change is already applied. It is recorded because the mail service reads the address to notify from this row. */
async function recordEmailChange(
  { clock, random }: Deps,
  tx: InvalidatingTransaction,
  account: Account,
  next: Account,
) {
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
