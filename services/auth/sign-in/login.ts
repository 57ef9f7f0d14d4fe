import { requestedTenant } from "../../../lib/actions/caller.ts";
import type { ParamsOf, ResultOf } from "../../../lib/actions/contract.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { findDevice } from "../../../lib/crypto/device-token.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { authContract } from "../auth.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { withAttempt } from "../login-throttle/login-throttle.ts";
import { type Credential, findPasswordCredential, replaceSecret } from "../password/credentials.repo.ts";
import { checkPassword, type PasswordCheck } from "../password/verify-password.ts";
import { completeSignIn } from "./complete-sign-in.ts";
import { recordRefusedSignIn } from "./refused-sign-in.ts";

type Input = ParamsOf<typeof authContract, "login">;
type Credentials = Pick<Input, "email" | "username" | "password" | "device_token">;
type Output = ResultOf<typeof authContract, "login">;
type Account = NonNullable<Actions["users.signInView"]["result"]>;
type LoginDeps = Pick<
  AuthDeps,
  | "config"
  | "clock"
  | "random"
  | "timers"
  | "ring"
  | "log"
  | "db"
  | "passwords"
  | "failureTime"
  | "securityEvents"
  | "signingKeys"
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
  const target = await findLoginTarget(deps, ctx);
  const { account, deviceId, check } = await authenticate(deps, ctx, target).catch((error: unknown) => {
    const userId = target.exists ? target.userId : null;
    recordRefusedSignIn(deps, ctx, { tenantId: target.tenantId, userId }, error);
    throw error;
  });
  const authenticated = {
    user_id: account.id,
    tenant_id: account.tenant_id,
    epoch: target.epoch,
    amr: ["pwd"],
    device_name: ctx.params.device_name ?? null,
    replaces: ctx.params.use_cookies === true ? ctx.params.replaced_refresh_token : undefined,
  };
  return completeSignIn(deps, ctx, authenticated, { deviceId, credentialId: check.credential?.id });
}

export async function findLoginTarget(
  { clock, random }: Pick<LoginDeps, "clock" | "random">,
  ctx: ActionContext<Credentials>,
): Promise<LoginTarget> {
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

interface Authenticated {
  readonly account: Account;
  /** Null for a device that has not signed in before. */
  readonly deviceId: string | null;
  readonly check: PasswordCheck;
}

/**
 * Does the same work whether or not the account exists: the same queries, calls and hash. Why an account cannot sign in is
 * revealed only with the correct password; and for a hidden account not even then: the correct password is refused and
 * counted like a wrong one. Otherwise anyone who registers an address could learn from a sign-in with the same password
 * whether it was registered before.
 */
async function authenticate(deps: LoginDeps, ctx: ActionContext<Input>, target: LoginTarget): Promise<Authenticated> {
  const { check, account, deviceId } = await checkLoginPassword(deps, ctx, target);
  if (!account.is_active) throw new AppError("account_disabled");
  if (!account.is_verified && (account.is_hidden || deps.config.auth.requireVerifiedEmail))
    throw new AppError("email_not_verified");
  if (check.outdated && check.credential) await upgradeHash(deps, check.credential, ctx.params.password);
  return { account, deviceId, check };
}

/** Counts as a login attempt. 401 `invalid_credentials` unless the account exists and this is its password. */
export async function checkLoginPassword(
  deps: Pick<LoginDeps, "config" | "clock" | "timers" | "ring" | "db" | "passwords" | "failureTime">,
  ctx: ActionContext<Credentials>,
  target: LoginTarget,
): Promise<Authenticated> {
  const [account, credential] = await Promise.all([
    ctx.call("users.signInView", { id: target.userId }),
    findPasswordCredential(deps.db, target.userId),
  ]);
  const deviceId = account && knownDevice(deps, ctx.params, account, credential);
  const attempt = {
    tenantId: target.tenantId,
    name: nameOf(ctx.params),
    userId: account?.id ?? null,
    ip: ctx.client.ip,
    deviceId,
    isSignedIn: false,
  };
  const check = await withAttempt(deps, attempt, async (mayCompare) => {
    const result = await checkPassword(deps, mayCompare && account ? credential : null, ctx.params.password);
    const ok = result.ok && !(account?.is_hidden && deps.config.auth.preventUserEnumeration);
    if (!ok) await deps.failureTime.fill(result.time);
    return { ...result, ok };
  });
  if (!check.ok || !account) throw invalidCredentials(deps);
  return { check, account, deviceId };
}

function nameOf({ email, username = "" }: Credentials): { readonly email: string } | { readonly username: string } {
  return email === undefined ? { username } : { email };
}

function knownDevice(
  { ring }: Pick<LoginDeps, "ring">,
  { device_token }: Credentials,
  account: Account,
  credential: Credential | null,
): string | null {
  if (device_token === undefined) return null;
  return findDevice(ring, device_token, { userId: account.id, credentialId: credential?.id ?? null });
}

function invalidCredentials({ config }: Pick<LoginDeps, "config">): AppError {
  if (!config.auth.preventUserEnumeration) return new AppError("invalid_credentials");
  const message = "The email, username or password is incorrect, or the email address has not been verified yet.";
  return new AppError("invalid_credentials", { message });
}

/** Rehashes with the current scheme, cost and key. A failure does not fail the login: the next one tries again. */
async function upgradeHash({ passwords, db, ring, log }: LoginDeps, old: Credential, password: string): Promise<void> {
  try {
    await replaceSecret(db, old, await passwords.hash(password, old.id), ring.active);
  } catch (error) {
    log.warn({ error: (error as Error).message }, "password hash upgrade failed");
  }
}
