import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { AuthDeps } from "../dependencies.ts";
import { deleteCredential, insertPassword } from "../password/credentials.repo.ts";

type User = Actions["users.create"]["result"]["user"];
export type AccountFields = Omit<Actions["users.create"]["params"], "id">;
type AccountDeps = Pick<AuthDeps, "clock" | "random" | "ring" | "db" | "passwords" | "log">;

export interface NewAccount {
  readonly password: string;
  readonly fields: AccountFields;
  /** Done before the account is there; harmless if it never comes to be. */
  readonly before?: (userId: string) => Promise<void>;
}

/** Stores the credential under a new user id; `users.create` then decides whether the account exists. */
export async function createAccount(
  deps: AccountDeps,
  ctx: Pick<ActionContext, "call">,
  account: NewAccount,
): Promise<User> {
  const userId = newId(deps.clock, deps.random);
  const credentialId = newId(deps.clock, deps.random);
  const secret = await deps.passwords.hash(account.password, credentialId);
  await insertPassword(deps.db, { id: credentialId, user_id: userId, secret, kid: deps.ring.active, confirmed: false });
  try {
    await account.before?.(userId);
    const user = await commitAccount(ctx, { id: userId, ...account.fields });
    if (user.id !== userId) await dropCredential(deps, credentialId);
    return user;
  } catch (error) {
    if (isDefinitive(error)) await dropCredential(deps, credentialId);
    throw error;
  }
}

/** On silence, or a failure that leaves it open, users is asked before anybody is answered. */
export async function commitAccount(
  ctx: Pick<ActionContext, "call">,
  params: Actions["users.create"]["params"],
): Promise<User> {
  try {
    return (await ctx.call("users.create", params)).user;
  } catch (error) {
    if (isDefinitive(error)) throw error;
    const user = await ctx.call("users.get", { id: params.id }).catch(() => null);
    if (user) return user;
    throw new AppError("service_unavailable", { retry_after: 1, cause: error });
  }
}

/** users has refused: nothing was written, and nothing will be. */
export function isDefinitive(error: unknown): boolean {
  return error instanceof AppError && error.status < 500;
}

/** What is left here is taken by the sweep. */
async function dropCredential({ db, log }: Pick<AuthDeps, "db" | "log">, id: string): Promise<void> {
  await deleteCredential(db, id).catch((error: Error) =>
    log.warn({ error: error.message }, "deleting an orphaned credential failed, left to the sweep"),
  );
}
