import { originOf, requireUser, type UserCaller } from "../../../lib/actions/caller.ts";
import type { ParamsOf } from "../../../lib/actions/contract.ts";
import { AppError, fieldError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { revokeSessions, type SessionsEnd } from "../../../lib/revocation/confirm-change.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { Transaction } from "../../../mixins/database/database.mixin.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { authContract } from "../auth.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { cancelPendingLinks } from "../oauth/oauth.repo.ts";
import { lockOneTimeTokens, revokeOneTimeTokens } from "../one-time-tokens/one-time-tokens.repo.ts";
import { assertPasswordAllowed } from "./assert-password-allowed.ts";
import { type Credential, replaceSecret } from "./credentials.repo.ts";
import { verifyPassword } from "./verify-password.ts";

type Input = ParamsOf<typeof authContract, "changePassword">;
type ChangeDeps = Pick<
  AuthDeps,
  "db" | "ring" | "clock" | "random" | "timers" | "passwords" | "commonPasswords" | "breachedPasswords" | "outbox"
>;

interface PreparedChange {
  /** The credential that the current password was verified with. */
  readonly verified: Credential;
  readonly newSecret: string;
}

/** Changes the caller's password, and revokes the caller's other sessions before it responds. */
export async function changePassword(deps: ChangeDeps, ctx: ActionContext<Input>): Promise<Record<string, never>> {
  const caller = requireUser(ctx.caller);
  return runIdempotently(deps.db, ctx, {
    userId: caller.user_id,
    prepare: () => prepareChange(deps, ctx, caller),
    commit: (tx, prepared) => commitChange(deps, ctx, tx, caller, prepared),
    after: async (ended) => {
      await revokeSessions(ctx.call, ended);
      return {};
    },
  });
}

/** Checks and hashes outside the transaction, because hashing takes long. */
async function prepareChange(deps: ChangeDeps, ctx: ActionContext<Input>, caller: UserCaller): Promise<PreparedChange> {
  const { current_password: currentPassword, new_password: newPassword } = ctx.params;
  const account = await ctx.call("users.signInView", { id: caller.user_id });
  if (!account?.is_active) throw new AppError("session_ended");
  await assertPasswordAllowed(deps, ctx, {
    tenant: { id: account.tenant_id },
    field: "new_password",
    password: newPassword,
    owner: { email: account.email, username: account.username, fullName: account.full_name },
  });
  const { ok, credential } = await verifyPassword(deps, ctx, account, currentPassword);
  if (!ok || !credential) throw new AppError("invalid_credentials", { message: "The current password is incorrect." });
  if (newPassword === currentPassword)
    throw fieldError("new_password", "password_unchanged", "The new password must differ from the current one.");
  return { verified: credential, newSecret: await deps.passwords.hash(newPassword, credential.id) };
}

/** An intruder who knew the old password may have requested a reset link, an email change or a provider link: all of them end. */
async function commitChange(
  deps: ChangeDeps,
  ctx: ActionContext<Input>,
  tx: Transaction,
  caller: UserCaller,
  { verified, newSecret }: PreparedChange,
): Promise<SessionsEnd> {
  await lockOneTimeTokens(tx, caller.user_id);
  if (!(await replaceSecret(tx, verified, newSecret, deps.ring.active))) throw new AppError("conflict");
  await revokeOneTimeTokens(tx, caller.user_id, ["reset_password", "change_email"]);
  await cancelPendingLinks(tx, caller.user_id);
  const event_id = await deps.outbox.append(tx, {
    type: "password.changed",
    userId: caller.user_id,
    tenantId: caller.home_tenant_id,
    correlationId: ctx.correlationId,
    eventId: newId(deps.clock, deps.random),
    data: { reason: "changed", except_session_id: caller.session_id, ...originOf(ctx) },
  });
  return { user_id: caller.user_id, event_id, except: caller.session_id };
}
