import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { AuthDeps } from "../dependencies.ts";
import { deleteCredential, insertPasswordCredential } from "../password/credentials.repo.ts";

type User = Actions["users.create"]["result"]["user"];
export type AccountFields = Omit<Actions["users.create"]["params"], "id">;
type AccountDeps = Pick<AuthDeps, "clock" | "random" | "ring" | "db" | "passwords" | "log">;

export interface NewAccount {
  readonly password: string;
  readonly fields: AccountFields;
  /** Runs before the account is created. Its effects must be harmless if the account is never created. */
  readonly before?: (userId: string) => Promise<void>;
}

/**
 * Stores the password under a new user id, then calls `users.create`, whose unique indexes decide whether the account
 * exists. Nobody can sign in with the password before the account exists.
 */
export async function createAccount(
  deps: AccountDeps,
  ctx: Pick<ActionContext, "call">,
  account: NewAccount,
): Promise<User> {
  const userId = newId(deps.clock, deps.random);
  const credentialId = newId(deps.clock, deps.random);
  const secret = await deps.passwords.hash(account.password, credentialId);
  await insertPasswordCredential(deps.db, {
    id: credentialId,
    user_id: userId,
    secret,
    kid: deps.ring.active,
    confirmed: false,
  });
  try {
    await account.before?.(userId);
    const user = await createUser(ctx, { id: userId, ...account.fields });
    // A retry with the same idempotency key gets the account of the first request.
    if (user.id !== userId) await removeCredential(deps, credentialId);
    return user;
  } catch (error) {
    if (isRefusal(error)) await removeCredential(deps, credentialId);
    throw error;
  }
}

/** `users.create`. If its outcome is unknown, because of a timeout for example, asks the users service whether the account exists. */
export async function createUser(
  ctx: Pick<ActionContext, "call">,
  params: Actions["users.create"]["params"],
): Promise<User> {
  try {
    return (await ctx.call("users.create", params)).user;
  } catch (error) {
    if (isRefusal(error)) throw error;
    const user = await ctx.call("users.get", { id: params.id }).catch(() => null);
    if (user) return user;
    throw new AppError("service_unavailable", { retry_after: 1, cause: error });
  }
}

/** True if the users service refused to create the account. After any other error, it may exist or still be created. */
export function isRefusal(error: unknown): boolean {
  return error instanceof AppError && error.status < 500;
}

async function removeCredential({ db, log }: Pick<AuthDeps, "db" | "log">, id: string): Promise<void> {
  await deleteCredential(db, id).catch((error: Error) =>
    log.warn({ error: error.message }, "deleting an orphaned credential failed, left to the sweep"),
  );
}
