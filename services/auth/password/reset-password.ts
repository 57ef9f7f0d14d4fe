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
import { findAddressee, requireOneTimeToken } from "../one-time-tokens/mailed-token.ts";
import {
  lockOneTimeTokens,
  type OneTimeToken,
  revokeOneTimeTokens,
  spendOneTimeToken,
} from "../one-time-tokens/one-time-tokens.repo.ts";
import { rulesIn } from "../sign-in/tenant-rules.ts";
import { deletePasswords, insertPassword, type NewCredential } from "./credentials.repo.ts";
import { assertPasswordAllowed } from "./passwords.ts";

type Input = ParamsOf<typeof authContract, "confirmReset">;
type ResetDeps = Pick<AuthDeps, "db" | "ring" | "clock" | "random" | "passwords" | "rules" | "breached" | "outbox">;

interface Reset {
  readonly oneTimeToken: OneTimeToken;
  readonly account: { readonly id: string; readonly tenant_id: string; readonly email: string };
  readonly credential: NewCredential;
}

/** Commits here, ends every session, and only then answers. */
export async function confirmReset(deps: ResetDeps, ctx: ActionContext<Input>): Promise<Record<string, never>> {
  const oneTimeToken = await requireOneTimeToken(deps, ctx.params.token, "reset_password", "invite");
  return runIdempotently(deps.db, ctx, {
    userId: oneTimeToken.user_id,
    prepare: () => prepareReset(deps, ctx, oneTimeToken),
    commit: (tx, reset) => commitReset(deps, ctx, tx, reset),
    after: async (event_id) => {
      await revokeSessions(ctx.call, { user_id: oneTimeToken.user_id, event_id });
      return {};
    },
  });
}

/** All that may refuse goes before the hash, and the hash before the transaction. */
async function prepareReset(deps: ResetDeps, ctx: ActionContext<Input>, oneTimeToken: OneTimeToken): Promise<Reset> {
  if (oneTimeToken.spent || oneTimeToken.outdated || oneTimeToken.superseded)
    throw new AppError("one_time_token_invalid");
  const { epoch } = await ctx.call("sessions.epoch", { user_id: oneTimeToken.user_id });
  const account = await findAddressee(ctx, oneTimeToken);
  if (epoch !== oneTimeToken.epoch || !account) throw new AppError("one_time_token_invalid");
  const { email, username, full_name: fullName } = account;
  const rules = await rulesIn(deps, ctx, { id: account.tenant_id });
  const owner = { email, username, fullName };
  await assertPasswordAllowed(deps, rules, { field: "new_password", password: ctx.params.new_password, owner });
  if (oneTimeToken.purpose === "invite") await verifyInvited(ctx, oneTimeToken, email);
  const id = newId(deps.clock, deps.random);
  const secret = await deps.passwords.hash(ctx.params.new_password, id);
  return {
    oneTimeToken,
    account,
    credential: { id, user_id: account.id, secret, kid: deps.ring.active, confirmed: true },
  };
}

/** Who opens the invitation has the address. Once per token; without the password after it, harmless. */
async function verifyInvited(ctx: ActionContext<Input>, oneTimeToken: OneTimeToken, email: string): Promise<void> {
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
  reset: Reset,
): Promise<string> {
  const { oneTimeToken, account, credential } = reset;
  await lockOneTimeTokens(tx, account.id);
  if (!(await spendOneTimeToken(tx, oneTimeToken.id))) throw new AppError("one_time_token_invalid");
  await revokeOneTimeTokens(tx, account.id, ["reset_password", "change_email", "invite"]);
  await cancelPendingLinks(tx, account.id);
  // Another row, not another secret: whoever upgrades the old one finds it gone.
  await deletePasswords(tx, account.id);
  await insertPassword(tx, credential);
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
