import { AppError, isError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { emailKey } from "../../../lib/runtime/text-keys.ts";
import type { AuthDeps } from "../dependencies.ts";
import { commitAccount, isDefinitive } from "../sign-in/new-account.ts";
import { deleteIdentity, deleteOrphan, type IdentityKey, insertIdentity, ownerOf } from "./identities.repo.ts";
import { addIdentity } from "./identity-events.ts";
import type { ProviderIdentity } from "./oauth-providers.ts";
import { takeOverUnverifiedAccount } from "./take-over-account.ts";

type SignInView = NonNullable<Actions["users.signInView"]["result"]>;
type Account = Pick<SignInView, "id" | "tenant_id" | "email" | "is_active" | "is_verified">;
type Ctx = Pick<ActionContext, "call" | "client" | "correlationId">;

interface Found {
  readonly account: Account;
  /** Read before anything that decides. */
  readonly epoch: number;
}

/**
 * The account that an identity signs in to: the one it is linked to; else the one that has its email, where provider
 * and account both have proven that email; else a new one. 409 `email_taken` where somebody else may have the email.
 */
export async function resolveAccount(
  deps: AuthDeps,
  ctx: Ctx,
  tenant: string,
  identity: ProviderIdentity,
): Promise<Found> {
  const { email } = identity;
  const { tenant_id, user } = await ctx.call("users.findForSignIn", { tenant, ...(email !== null && { email }) });
  const key: IdentityKey = { tenant_id, issuer: identity.issuer, sub: identity.sub };
  const owner = await ownerOf(deps.db, key);
  if (owner !== null) {
    const linked = await linkedAccount(deps, ctx, key, owner);
    if (linked)
      return proven(linked, identity) ? takeOverUnverifiedAccount(deps, ctx, linked.account, identity) : linked;
  }
  if (email === null) throw new AppError("oauth_failed", { message: "The provider did not share your email address." });
  if (!user) return createAccountFor(deps, ctx, tenant, key, { ...identity, email });
  return joinAccount(deps, ctx, user.id, key, identity);
}

/** The provider vouches for the address of an account that nobody has verified. */
function proven({ account }: Found, { email, emailVerified }: ProviderIdentity): boolean {
  const same = email !== null && emailKey(email) === emailKey(account.email);
  return same && emailVerified && account.is_active && !account.is_verified;
}

/** The identity is what decides here, so it is looked at again after the epoch. */
async function linkedAccount(deps: AuthDeps, ctx: Ctx, key: IdentityKey, owner: string): Promise<Found | null> {
  const { epoch } = await ctx.call("sessions.epoch", { user_id: owner });
  const [still, account] = await Promise.all([ownerOf(deps.db, key), ctx.call("users.signInView", { id: owner })]);
  if (still !== owner) throw new AppError("oauth_failed");
  if (account) return { account, epoch };
  // Its account is being made at this moment, or never came to be.
  if (await deleteOrphan(deps.db, key, owner)) return null;
  throw new AppError("service_unavailable", { retry_after: 1 });
}

async function joinAccount(
  deps: AuthDeps,
  ctx: Ctx,
  userId: string,
  key: IdentityKey,
  identity: ProviderIdentity,
): Promise<Found> {
  if (!identity.emailVerified)
    throw deps.config.auth.preventUserEnumeration ? new AppError("email_not_verified") : emailTaken();
  const { epoch } = await ctx.call("sessions.epoch", { user_id: userId });
  const account = await ctx.call("users.signInView", { id: userId });
  if (!account || emailKey(account.email) !== emailKey(identity.email ?? "")) throw new AppError("oauth_failed");
  if (!account.is_active) throw new AppError("account_disabled");
  if (!account.is_verified) return takeOverUnverifiedAccount(deps, ctx, account, identity);
  const wanted = { ...key, user_id: userId, email: identity.email };
  const linked = await deps.db.transaction((tx) => addIdentity(deps, tx, ctx, wanted));
  // Another `sub` with the same email is another person at the provider, or the same one anew: he has to say so himself.
  if (!linked && (await ownerOf(deps.db, key)) !== userId) throw emailTaken();
  return { account, epoch };
}

function emailTaken(): AppError {
  return new AppError("email_taken", {
    message: "An account with this email already exists. Sign in to it another way, then link the provider.",
  });
}

type WithEmail = ProviderIdentity & { readonly email: string };

/** The identity is stored first, under an id that nobody has: harmless until `users.create` decides. */
async function createAccountFor(
  deps: AuthDeps,
  ctx: Ctx,
  tenant: string,
  key: IdentityKey,
  { email, emailVerified, name }: WithEmail,
): Promise<Found> {
  // Where sign-up hides who is registered, an address that anybody may claim must not tell it either.
  if (!emailVerified && deps.config.auth.preventUserEnumeration) throw new AppError("email_not_verified");
  const id = newId(deps.clock, deps.random);
  if (!(await insertIdentity(deps.db, { ...key, user_id: id, email })))
    throw new AppError("service_unavailable", { retry_after: 1 });
  try {
    const account = await commitAccount(ctx, { id, tenant, email, full_name: name, is_verified: emailVerified });
    // Nobody has moved the epoch of an account that was not there.
    return { account, epoch: 0 };
  } catch (error) {
    if (isDefinitive(error)) await deleteIdentity(deps.db, key, id);
    throw isError(error, "email_taken") ? emailTaken() : error;
  }
}
