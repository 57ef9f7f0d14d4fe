import { requestedTenant } from "../../../lib/actions/caller.ts";
import type { ParamsOf, ResultOf } from "../../../lib/actions/contract.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { authContract } from "../auth.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { withAttempt } from "../login-throttle/login-throttle.ts";
import { type Credential, passwordOf, replaceSecret } from "../password/credentials.repo.ts";
import { checkPassword } from "../password/password-proof.ts";
import { openSession } from "./open-session.ts";
import { recordRefusedSignIn } from "./refused-sign-in.ts";

type Input = ParamsOf<typeof authContract, "login">;
type Output = ResultOf<typeof authContract, "login">;
type Account = NonNullable<Actions["users.signInView"]["result"]>;
type LoginDeps = Pick<
  AuthDeps,
  "config" | "clock" | "random" | "timers" | "ring" | "log" | "db" | "passwords" | "signingKeys"
>;

interface Candidate {
  readonly tenantId: string;
  /** Made up where nobody has that name, so that the same work is done. */
  readonly userId: string;
  readonly known: boolean;
  readonly epoch: number;
}

/**
 * The epoch is read before anything that decides, and `sessions.create` compares it: a reset, a disable or an "end all"
 * that commits while the hash is computed leaves no session behind.
 */
export async function login(deps: LoginDeps, ctx: ActionContext<Input>): Promise<Output> {
  const candidate = await findCandidate(deps, ctx);
  const account = await authenticate(deps, ctx, candidate).catch((error: unknown) => {
    const { tenantId, userId, known } = candidate;
    recordRefusedSignIn(deps, ctx, { tenantId, userId: known ? userId : null }, error);
    throw error;
  });
  return openSession(deps, ctx, {
    user_id: account.id,
    tenant_id: account.tenant_id,
    epoch: candidate.epoch,
    amr: ["pwd"],
    device_name: ctx.params.device_name ?? null,
  });
}

async function findCandidate({ clock, random }: LoginDeps, ctx: ActionContext<Input>): Promise<Candidate> {
  const { email, username } = ctx.params;
  const name = email === undefined ? { username } : { email };
  const { tenant_id, user } = await ctx.call("users.findForSignIn", { tenant: requestedTenant(ctx.caller), ...name });
  const userId = user?.id ?? newId(clock, random);
  const { epoch } = await ctx.call("sessions.epoch", { user_id: userId });
  return { tenantId: tenant_id, userId, known: user !== null, epoch };
}

/** Known or not, the same statements, calls and hash; why an account is refused is told to the right password alone. */
async function authenticate(deps: LoginDeps, ctx: ActionContext<Input>, candidate: Candidate): Promise<Account> {
  const { email, username, password } = ctx.params;
  const [account, credential] = await Promise.all([
    ctx.call("users.signInView", { id: candidate.userId }),
    passwordOf(deps.db, candidate.userId),
  ]);
  const name = account ? { email: account.email } : { email, username };
  const who = { tenantId: candidate.tenantId, ...name, userId: account?.id ?? null, ip: ctx.client.ip };
  const proof = await withAttempt(deps, who, () => checkPassword(deps, account && credential, password));
  if (!proof.ok || !account) throw new AppError("invalid_credentials");
  if (!account.is_active) throw new AppError("account_disabled");
  if (!account.is_verified && deps.config.auth.requireVerifiedEmail) throw new AppError("email_not_verified");
  if (proof.outdated && proof.credential) await upgrade(deps, proof.credential, password);
  return account;
}

/** To today's scheme, cost and key. A login does not fail for it. */
async function upgrade({ passwords, db, ring, log }: LoginDeps, looked: Credential, password: string): Promise<void> {
  try {
    await replaceSecret(db, looked, await passwords.hash(password, looked.id), ring.active);
  } catch (error) {
    log.warn({ error: (error as Error).message }, "password hash upgrade failed, will be retried at the next sign-in");
  }
}
