import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { AuthDeps } from "../dependencies.ts";
import { withAttempt } from "../login-throttle/login-throttle.ts";
import { type Credential, findPasswordCredential } from "./credentials.repo.ts";
import type { HashVerification } from "./password-hashing.ts";

type VerifyDeps = Pick<AuthDeps, "db" | "clock" | "timers" | "passwords">;

interface Account {
  readonly id: string;
  readonly tenant_id: string;
  readonly email: string;
}

export interface PasswordCheck extends HashVerification {
  /** The credential that was checked; null if the account has no password. */
  readonly credential: Credential | null;
}

/** Whether this is the account's password. Counts as a login attempt: 429 `too_many_attempts` while the account is throttled. */
export async function verifyPassword(
  deps: VerifyDeps,
  ctx: Pick<ActionContext, "client">,
  account: Account,
  password: string,
): Promise<PasswordCheck> {
  const credential = await findPasswordCredential(deps.db, account.id);
  const target = { tenantId: account.tenant_id, name: { email: account.email }, userId: account.id, ip: ctx.client.ip };
  return withAttempt(deps, { ...target, deviceId: null, isSignedIn: true }, () =>
    checkPassword(deps, credential, password),
  );
}

/** Compares without counting an attempt. Takes the same time if there is no credential to compare with. */
export async function checkPassword(
  { passwords }: Pick<AuthDeps, "passwords">,
  credential: Credential | null,
  password: string,
): Promise<PasswordCheck> {
  if (!credential) return { ...(await passwords.simulateVerify(password)), ok: false, credential };
  return { ...(await passwords.verify(password, credential.secret, credential.id)), credential };
}
