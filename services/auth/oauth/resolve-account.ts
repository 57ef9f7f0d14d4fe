import { AppError, isError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { emailKey, isSameMailbox } from "../../../lib/runtime/text-keys.ts";
import type { AuthDeps } from "../dependencies.ts";
import { createUser, isRefusal } from "../sign-in/create-account.ts";
import { deleteIdentity, deleteOrphan, findOwner, type IdentityKey, insertIdentity } from "./identities.repo.ts";
import { addIdentity } from "./identity-events.ts";
import type { ProviderIdentity } from "./oauth-providers.ts";
import { pictureOf } from "./pictures.ts";
import { takeOverUnverifiedAccount } from "./take-over-account.ts";

type SignInView = NonNullable<Actions["users.signInView"]["result"]>;
type Account = Pick<SignInView, "id" | "tenant_id" | "email" | "is_active" | "is_verified">;
type Ctx = Pick<ActionContext, "call" | "client" | "correlationId">;

interface ResolvedAccount {
  readonly account: Account;
  /** Read before everything that decided the sign-in. */
  readonly epoch: number;
}

/**
 * The account that a provider's identity signs in to:
 *
 * 1. The account that the identity is linked to. If that account is unverified and the provider vouches for its address,
 *    it is taken over.
 * 2. The account with the identity's email address, if both the provider and the account have verified it: the identity is
 *    linked. An unverified account is taken over. The addresses must be the same mailbox, not only have the same key.
 * 3. A new account.
 *
 * 409 `email_taken` if the email address may belong to another person. See decision 7.
 */
export async function resolveAccount(
  deps: AuthDeps,
  ctx: Ctx,
  tenant: string,
  identity: ProviderIdentity,
): Promise<ResolvedAccount> {
  const { email } = identity;
  const { tenant_id, user } = await ctx.call("users.findForSignIn", { tenant, ...(email !== null && { email }) });
  const key: IdentityKey = { tenant_id, issuer: identity.issuer, sub: identity.sub };
  const owner = await findOwner(deps.db, key);
  const linked = owner === null ? null : await findLinkedAccount(deps, ctx, key, owner);
  if (linked && vouchesForUnverified(identity, linked.account))
    return takeOverUnverifiedAccount(deps, ctx, linked.account, identity);
  if (linked) return linked;
  if (email === null) throw new AppError("oauth_failed", { message: "The provider did not share your email address." });
  if (user) return linkToExistingAccount(deps, ctx, user.id, key, { ...identity, email });
  return createLinkedAccount(deps, ctx, tenant, key, { ...identity, email });
}

function vouchesForUnverified({ email, emailVerified }: ProviderIdentity, account: Account): boolean {
  const sameEmail = email !== null && isSameMailbox(email, account.email);
  return sameEmail && emailVerified && account.is_active && !account.is_verified;
}

/** The link decides the sign-in, so it is read again after the epoch. Null if the account does not exist. */
async function findLinkedAccount(
  deps: AuthDeps,
  ctx: Ctx,
  key: IdentityKey,
  owner: string,
): Promise<ResolvedAccount | null> {
  const { epoch } = await ctx.call("sessions.epoch", { user_id: owner });
  const [currentOwner, account] = await Promise.all([
    findOwner(deps.db, key),
    ctx.call("users.signInView", { id: owner }),
  ]);
  if (currentOwner !== owner) throw new AppError("oauth_failed");
  if (account) return { account, epoch };
  // Either another request is creating the account right now, or creating it failed.
  if (await deleteOrphan(deps.db, key, owner)) return null;
  throw new AppError("service_unavailable", { retry_after: 1 });
}

async function linkToExistingAccount(
  deps: AuthDeps,
  ctx: Ctx,
  userId: string,
  key: IdentityKey,
  identity: IdentityWithEmail,
): Promise<ResolvedAccount> {
  if (!identity.emailVerified) throw emailNotProven(deps);
  const { epoch } = await ctx.call("sessions.epoch", { user_id: userId });
  const account = await ctx.call("users.signInView", { id: userId });
  if (!account || emailKey(account.email) !== emailKey(identity.email)) throw new AppError("oauth_failed");
  if (!isSameMailbox(account.email, identity.email)) throw emailNotProven(deps);
  if (!account.is_active) throw new AppError("account_disabled");
  if (!account.is_verified) return takeOverUnverifiedAccount(deps, ctx, account, identity);
  const newIdentity = { ...key, user_id: userId, email: identity.email };
  const added = await deps.db.transaction((tx) => addIdentity(deps, tx, ctx, newIdentity));
  // The account has another `sub` of this issuer. The address may have been reassigned to another person at the provider,
  // so the owner has to sign in another way and link the new identity.
  if (!added && (await findOwner(deps.db, key)) !== userId) throw emailTaken();
  return { account, epoch };
}

/** The provider has not verified the address of the account. */
function emailNotProven({ config }: Pick<AuthDeps, "config">): AppError {
  return config.auth.preventUserEnumeration ? new AppError("email_not_verified") : emailTaken();
}

function emailTaken(): AppError {
  return new AppError("email_taken", {
    message: "An account with this email already exists. Sign in to it another way, then link the provider.",
  });
}

type IdentityWithEmail = ProviderIdentity & { readonly email: string };

/**
 * Stores the identity under a new user id, then calls `users.create`, which decides whether the account exists. If it does,
 * its event `user.created` starts the job that fetches the picture.
 */
async function createLinkedAccount(
  deps: AuthDeps,
  ctx: Ctx,
  tenant: string,
  key: IdentityKey,
  { email, emailVerified, name, picture }: IdentityWithEmail,
): Promise<ResolvedAccount> {
  // The same response as for a taken address: anyone can claim an unverified address to find out whether it is taken.
  if (!emailVerified && deps.config.auth.preventUserEnumeration) throw new AppError("email_not_verified");
  const id = newId(deps.clock, deps.random);
  const picture_url = pictureOf(picture, deps.config.oauth.pictures);
  if (!(await insertIdentity(deps.db, { ...key, user_id: id, email, picture_url })))
    throw new AppError("service_unavailable", { retry_after: 1 });
  try {
    const account = await createUser(ctx, { id, tenant, email, full_name: name, is_verified: emailVerified });
    // The epoch of a new account is 0.
    return { account, epoch: 0 };
  } catch (error) {
    if (isRefusal(error)) await deleteIdentity(deps.db, key, id);
    throw isError(error, "email_taken") ? emailTaken() : error;
  }
}
