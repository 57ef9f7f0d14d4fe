import { requestedTenant } from "../../../lib/actions/caller.ts";
import type { ParamsOf, ResultOf } from "../../../lib/actions/contract.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { authContract } from "../auth.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { withAttempt } from "../login-throttle/login-throttle.ts";
import { type Credential, findPasswordCredential, replaceSecret } from "../password/credentials.repo.ts";
import { checkPassword } from "../password/verify-password.ts";
import { completeSignIn } from "./complete-sign-in.ts";
import { recordRefusedSignIn } from "./refused-sign-in.ts";

type Input = ParamsOf<typeof authContract, "login">;
type Output = ResultOf<typeof authContract, "login">;
type Account = NonNullable<Actions["users.signInView"]["result"]>;
type LoginDeps = Pick<
  AuthDeps,
  "config" | "clock" | "random" | "timers" | "ring" | "log" | "db" | "passwords" | "signingKeys"
>;

interface LoginTarget {
  readonly tenantId: string;
  /** A random id if no account has the email or username, so that the same work follows. */
  readonly userId: string;
  readonly exists: boolean;
  readonly epoch: number;
}

/**
 * Signs in with a password. A login makes these calls, each for one decision, in this order:
 *
 * 1. `users.findForSignIn` finds the account of an email or username. It decides nothing else.
 * 2. `sessions.epoch` reads the account's epoch, before anything that decides the outcome is read.
 * 3. `users.signInView` and our own credential decide: wrong password, account disabled, email not verified.
 * 4. `sessions.create` creates the session, unless the epoch has moved since step 2. So a password reset, a deactivation
 *    or a logout everywhere that commits while the password is hashed leaves no session behind.
 * 5. `users.claims` reads roles, tier and status for the access token, after step 4 has read the token versions.
 * 6. `users.get` reads the account for the response. It decides nothing.
 *
 * Afterwards `users.recordLogin` notes the time of the login, without delaying the response.
 */
export async function login(deps: LoginDeps, ctx: ActionContext<Input>): Promise<Output> {
  const target = await findTarget(deps, ctx);
  const account = await authenticate(deps, ctx, target).catch((error: unknown) => {
    const userId = target.exists ? target.userId : null;
    recordRefusedSignIn(deps, ctx, { tenantId: target.tenantId, userId }, error);
    throw error;
  });
  return completeSignIn(deps, ctx, {
    user_id: account.id,
    tenant_id: account.tenant_id,
    epoch: target.epoch,
    amr: ["pwd"],
    device_name: ctx.params.device_name ?? null,
  });
}

async function findTarget({ clock, random }: LoginDeps, ctx: ActionContext<Input>): Promise<LoginTarget> {
  const { email, username } = ctx.params;
  const identifier = email === undefined ? { username } : { email };
  const { tenant_id, user } = await ctx.call("users.findForSignIn", {
    tenant: requestedTenant(ctx.caller),
    ...identifier,
  });
  const userId = user?.id ?? newId(clock, random);
  const { epoch } = await ctx.call("sessions.epoch", { user_id: userId });
  return { tenantId: tenant_id, userId, exists: user !== null, epoch };
}

/**
 * Does the same work whether or not the account exists: the same queries, calls and hash. Why an account cannot sign in is
 * revealed only with the correct password.
 */
async function authenticate(deps: LoginDeps, ctx: ActionContext<Input>, target: LoginTarget): Promise<Account> {
  const { email, username, password } = ctx.params;
  const [account, credential] = await Promise.all([
    ctx.call("users.signInView", { id: target.userId }),
    findPasswordCredential(deps.db, target.userId),
  ]);
  // Attempts by email and by username count together if the account exists.
  const identifier = account ? { email: account.email } : { email, username };
  const attempt = { tenantId: target.tenantId, ...identifier, userId: account?.id ?? null, ip: ctx.client.ip };
  const check = await withAttempt(deps, attempt, () => checkPassword(deps, account && credential, password));
  if (!check.ok || !account) throw new AppError("invalid_credentials");
  if (!account.is_active) throw new AppError("account_disabled");
  if (!account.is_verified && deps.config.auth.requireVerifiedEmail) throw new AppError("email_not_verified");
  if (check.outdated && check.credential) await upgradeHash(deps, check.credential, password);
  return account;
}

/** Rehashes with the current scheme, cost and key. A failure does not fail the login: the next one tries again. */
async function upgradeHash({ passwords, db, ring, log }: LoginDeps, old: Credential, password: string): Promise<void> {
  try {
    await replaceSecret(db, old, await passwords.hash(password, old.id), ring.active);
  } catch (error) {
    log.warn({ error: (error as Error).message }, "password hash upgrade failed");
  }
}
