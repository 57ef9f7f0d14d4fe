import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { AuthDeps } from "../dependencies.ts";
import { withAttempt } from "../login-throttle/login-throttle.ts";
import { type Credential, passwordOf } from "./credentials.repo.ts";
import type { HashVerification } from "./password-hashing.ts";

interface PasswordCheck extends HashVerification {
  readonly credential: Credential | null;
}

interface Account {
  readonly id: string;
  readonly tenant_id: string;
  readonly email: string;
}

type ProofDeps = Pick<AuthDeps, "db" | "clock" | "timers" | "passwords">;

/** Is this the account's password? Counts as a guess. */
export async function verifyPassword(
  deps: ProofDeps,
  ctx: Pick<ActionContext, "client">,
  account: Account,
  password: string,
): Promise<PasswordCheck> {
  const credential = await passwordOf(deps.db, account.id);
  const who = { tenantId: account.tenant_id, email: account.email, userId: account.id, ip: ctx.client.ip };
  return withAttempt(deps, who, () => checkPassword(deps, credential, password));
}

export async function checkPassword(
  { passwords }: Pick<AuthDeps, "passwords">,
  credential: Credential | null,
  password: string,
): Promise<PasswordCheck> {
  if (!credential) return { ...(await passwords.verifyNothing(password)), ok: false, credential };
  return { ...(await passwords.verify(password, credential.secret, credential.id)), credential };
}
