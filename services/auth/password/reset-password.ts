import type { ParamsOf } from "../../../lib/actions/contract.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { revokeSessions } from "../../../lib/revocation/confirm-change.ts";
import { derivedId, newId } from "../../../lib/runtime/ids.ts";
import { emailKey } from "../../../lib/runtime/text-keys.ts";
import type { Transaction } from "../../../mixins/database.mixin.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { authContract } from "../auth.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { clearAttempts } from "../login-throttle/login-attempts.repo.ts";
import { accountKey } from "../login-throttle/login-throttle.ts";
import { cancelPendingLinks } from "../oauth/oauth.repo.ts";
import { assertUsable, findAddressee, requireOneTimeToken } from "../one-time-tokens/mailed-token.ts";
import {
  lockOneTimeTokens,
  type OneTimeToken,
  revokeOneTimeTokens,
  spendOneTimeToken,
} from "../one-time-tokens/one-time-tokens.repo.ts";
import { assertPasswordAllowed } from "./assert-password-allowed.ts";
import { deletePasswordCredentials, insertPasswordCredential, type NewCredential } from "./credentials.repo.ts";

type Input = ParamsOf<typeof authContract, "confirmReset">;
type ResetDeps = Pick<
  AuthDeps,
  "db" | "ring" | "clock" | "random" | "passwords" | "commonPasswords" | "breachedPasswords" | "outbox"
>;

interface PreparedReset {
  readonly account: { readonly id: string; readonly tenant_id: string; readonly email: string };
  readonly credential: NewCredential;
}

/** Sets a password with a mailed token, and revokes all sessions of the account before it responds. */
export async function confirmReset(deps: ResetDeps, ctx: ActionContext<Input>): Promise<Record<string, never>> {
  const oneTimeToken = await requireOneTimeToken(deps, ctx.params.token, "reset_password", "invite");
  return runIdempotently(deps.db, ctx, {
    userId: oneTimeToken.user_id,
    prepare: () => prepareReset(deps, ctx, oneTimeToken),
    commit: (tx, prepared) => commitReset(deps, ctx, tx, oneTimeToken, prepared),
    after: async (event_id) => {
      await revokeSessions(ctx.call, { user_id: oneTimeToken.user_id, event_id });
      return {};
    },
  });
}

/** All checks run before the password is hashed, and the transaction begins afterwards, because hashing takes long. */
async function prepareReset(
  deps: ResetDeps,
  ctx: ActionContext<Input>,
  oneTimeToken: OneTimeToken,
): Promise<PreparedReset> {
  assertUsable(oneTimeToken);
  const { epoch } = await ctx.call("sessions.epoch", { user_id: oneTimeToken.user_id });
  const account = await findAddressee(ctx, oneTimeToken);
  // A moved epoch means that the password was changed or all sessions were ended after the link was requested.
  if (epoch !== oneTimeToken.epoch || !account) throw new AppError("one_time_token_invalid");
  await assertPasswordAllowed(deps, ctx, {
    tenant: { id: account.tenant_id },
    field: "new_password",
    password: ctx.params.new_password,
    owner: { email: account.email, username: account.username, fullName: account.full_name },
  });
  if (oneTimeToken.purpose === "invite") await confirmInvitedEmail(ctx, oneTimeToken, account.email);
  const id = newId(deps.clock, deps.random);
  const secret = await deps.passwords.hash(ctx.params.new_password, id);
  return { account, credential: { id, user_id: account.id, secret, kid: deps.ring.active, confirmed: true } };
}

/** Opening the invitation proves control of the address. Idempotent per token; harmless if setting the password then fails. */
async function confirmInvitedEmail(
  ctx: ActionContext<Input>,
  oneTimeToken: OneTimeToken,
  email: string,
): Promise<void> {
  await ctx.call("users.confirmEmail", {
    user_id: oneTimeToken.user_id,
    email_key: emailKey(email),
    token_id: oneTimeToken.id,
    event_id: derivedId("verified", oneTimeToken.id),
  });
}

async function commitReset(
  { outbox }: ResetDeps,
  ctx: ActionContext<Input>,
  tx: Transaction,
  oneTimeToken: OneTimeToken,
  { account, credential }: PreparedReset,
): Promise<string> {
  await lockOneTimeTokens(tx, account.id);
  if (!(await spendOneTimeToken(tx, oneTimeToken.id))) throw new AppError("one_time_token_invalid");
  await revokeOneTimeTokens(tx, account.id, ["reset_password", "change_email", "invite"]);
  await cancelPendingLinks(tx, account.id);
  // A new row instead of an update: a concurrent rehash of the old one must not overwrite the new password.
  await deletePasswordCredentials(tx, account.id);
  await insertPasswordCredential(tx, credential);
  await clearAttempts(tx, accountKey({ tenantId: account.tenant_id, email: account.email }));
  return outbox.append(tx, {
    type: "password.changed",
    userId: account.id,
    tenantId: account.tenant_id,
    correlationId: ctx.correlationId,
    eventId: oneTimeToken.event_id,
    data: { reason: "reset" },
  });
}
