import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { violatedConstraint } from "../../../lib/database/database-errors.ts";
import type { Transaction } from "../../../mixins/database/database.mixin.ts";
import { claimInbox } from "../../../mixins/event-consumer.mixin.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";
import { derivedColumns } from "../core/derived-columns.ts";
import { appendUserEvent } from "../core/user-events.ts";
import { type UserView, viewUser } from "../core/user-view.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { type Account, lockAccount, readUser, updateAccount } from "../core/users.repo.ts";
import { applyEmail, closeEmailChange, type EmailChange, findEmailChange } from "./email-changes.repo.ts";

type Params = Actions["users.confirmEmail"]["params"];
type Deps = Pick<UsersDeps, "db" | "caches" | "outbox"> & {
  readonly assertWithinAccountLimit: (tx: Transaction, tenantId: string) => Promise<void>;
};
type Outcome = Actions["users.confirmEmail"]["result"] | "email_taken";

/**
 * Commits the initial or changed address that a mailed link confirms, under the account's lock and once per token. The auth
 * service marks the token as spent afterwards. If it crashes in between, the next use of the link resolves with `already`.
 */
export async function confirmEmail(
  deps: Deps,
  ctx: ActionContext<Params>,
): Promise<Actions["users.confirmEmail"]["result"]> {
  const outcome = await deps.caches
    .invalidating(ctx.call, ctx.params.user_id)
    .transaction((tx) => confirm(deps, tx, ctx));
  // Thrown after the commit, because the refusal clears the pending address.
  if (outcome === "email_taken") throw new AppError("email_taken");
  return outcome;
}

async function confirm(deps: Deps, tx: InvalidatingTransaction, ctx: ActionContext<Params>): Promise<Outcome> {
  const { user_id, token_id, email_key } = ctx.params;
  const account = await lockAccount(tx, user_id);
  if (!account) throw new AppError("one_time_token_invalid");
  if (!(await claimInbox(deps.db, tx, token_id, "confirm-email"))) return answerAgain(tx, user_id, token_id);
  const change = await findEmailChange(tx, token_id);
  if (change) return changeAddress(deps, tx, ctx, account, change);
  if (account.email_key !== email_key) throw new AppError("one_time_token_invalid");
  if (!account.is_verified) await verify(deps, tx, ctx, account);
  return { user: await view(tx, user_id), already: false };
}

async function answerAgain(tx: InvalidatingTransaction, userId: string, tokenId: string): Promise<Outcome> {
  const change = await findEmailChange(tx, tokenId);
  if (change?.state === "refused") throw new AppError("one_time_token_invalid");
  return { user: await view(tx, userId), already: true };
}

async function verify(
  deps: Deps,
  tx: InvalidatingTransaction,
  ctx: ActionContext<Params>,
  account: Account,
): Promise<void> {
  await updateAccount(tx, account.id, { is_verified: true });
  if (account.hidden_until_verified) await reveal(deps, tx, account);
  await appendUserEvent(deps.outbox, tx, ctx, { type: "user.verified", user: account, eventId: ctx.params.event_id });
}

/** A hidden account counts towards the tenant's limit, and gets its username if it is still free, from now on. */
async function reveal(
  { assertWithinAccountLimit }: Deps,
  tx: InvalidatingTransaction,
  account: Account,
): Promise<void> {
  await assertWithinAccountLimit(tx, account.tenant_id);
  const { requested_username: username } = account;
  if (username === null || account.username !== null) return;
  await unlessTaken(tx, "users_username", () =>
    updateAccount(tx, account.id, { username, requested_username: null, ...derivedColumns({ ...account, username }) }),
  );
}

async function changeAddress(
  deps: Deps,
  tx: InvalidatingTransaction,
  ctx: ActionContext<Params>,
  account: Account,
  change: EmailChange,
): Promise<Outcome> {
  const { event_id, email_key } = ctx.params;
  if (change.user_id !== account.id || change.state !== "pending" || change.new_email_key !== email_key)
    throw new AppError("one_time_token_invalid");
  const applied = await tryApply(tx, account, change);
  await closeEmailChange(tx, change.token_id, applied ? "applied" : "refused");
  if (!applied) {
    await updateAccount(tx, account.id, { pending_email: null });
    return "email_taken";
  }
  const user = { ...account, email: change.new_email };
  const data = {
    updated_fields: ["email", ...(account.is_verified ? [] : ["is_verified"])],
    email_change: change.token_id,
  };
  await appendUserEvent(deps.outbox, tx, ctx, { type: "user.updated", user, eventId: event_id, data });
  return { user: await view(tx, account.id), already: false };
}

/**
 * The address was not reserved, so another account may have it by now. The unique index decides between concurrent links.
 */
async function tryApply(tx: InvalidatingTransaction, account: Account, change: EmailChange): Promise<boolean> {
  const { search_text } = derivedColumns({ ...account, email: change.new_email });
  return (await unlessTaken(tx, "users_email", () => applyEmail(tx, change, search_text))) ?? false;
}

/** Undefined if the write violates the unique constraint; the transaction goes on. */
async function unlessTaken<T>(
  tx: InvalidatingTransaction,
  constraint: "users_email" | "users_username",
  write: () => Promise<T>,
): Promise<T | undefined> {
  await tx.query("SAVEPOINT unique_name");
  try {
    return await write();
  } catch (error) {
    if (violatedConstraint(error) !== constraint) throw error;
    await tx.query("ROLLBACK TO SAVEPOINT unique_name");
    return undefined;
  }
}

async function view(tx: InvalidatingTransaction, id: string): Promise<UserView> {
  const row = await readUser(tx, id);
  if (!row) throw new AppError("one_time_token_invalid");
  return viewUser(row);
}
