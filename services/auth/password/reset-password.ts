import type { ParamsOf } from "../../../lib/actions/contract.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { Transaction } from "../../../mixins/database/database.mixin.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { authContract } from "../auth.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import type { Proof, ProofKind } from "../earlier-access/access-kinds.ts";
import { completeProof } from "../earlier-access/complete-proof.ts";
import { type ProvenAccount, revokeEarlierAccess } from "../earlier-access/revoke-earlier-access.ts";
import { clearThrottling } from "../login-throttle/login-throttle.ts";
import { assertUsable, findAddressee, requireOneTimeToken } from "../one-time-tokens/mailed-token.ts";
import { lockOneTimeTokens, type OneTimeToken, spendOneTimeToken } from "../one-time-tokens/one-time-tokens.repo.ts";
import { assertPasswordAllowed } from "./assert-password-allowed.ts";
import { insertPasswordCredential, type NewCredential } from "./credentials.repo.ts";

type Input = ParamsOf<typeof authContract, "confirmReset">;
type NewPassword = Pick<Input, "new_password" | "unlink_providers">;
type User = NonNullable<Actions["users.recordProof"]["result"]["user"]>;
type ResetDeps = Pick<
  AuthDeps,
  "db" | "ring" | "clock" | "random" | "passwords" | "commonPasswords" | "breachedPasswords" | "outbox" | "oauth"
>;

interface PreparedReset {
  readonly account: ProvenAccount & { readonly username: string | null };
  readonly credential: NewCredential;
  readonly proof: Proof;
}

const proofOf = {
  reset_password: "reset",
  invite: "invitation",
  verify_email: "verification",
} as const satisfies Partial<Record<OneTimeToken["purpose"], ProofKind>>;
type ResetToken = OneTimeToken & { readonly purpose: keyof typeof proofOf };

export async function confirmReset(deps: ResetDeps, ctx: ActionContext<Input>): Promise<Record<string, never>> {
  const oneTimeToken = await requireOneTimeToken(deps, ctx.params.token, "reset_password", "invite");
  await resetWithToken(deps, ctx, oneTimeToken as ResetToken);
  return {};
}

/**
 * Sets a password with a mailed token. The link proves the address, so the account is verified, and what is older than the
 * proof is revoked before this resolves: see earlier-access/.
 */
export async function resetWithToken(
  deps: ResetDeps,
  ctx: ActionContext<NewPassword>,
  oneTimeToken: ResetToken,
): Promise<User> {
  return runIdempotently(deps.db, ctx, {
    userId: oneTimeToken.user_id,
    prepare: () => prepareReset(deps, ctx, oneTimeToken),
    commit: (tx, prepared) => commitReset(deps, ctx, tx, oneTimeToken, prepared),
    after: async ({ account, event_id }) => {
      const user = await completeProof(ctx, account, event_id);
      // The account was deleted meanwhile.
      if (!user) throw new AppError("one_time_token_invalid");
      return user;
    },
  });
}

/** All checks run before the password is hashed, and the transaction begins afterwards, because hashing takes long. */
async function prepareReset(
  deps: ResetDeps,
  ctx: ActionContext<NewPassword>,
  oneTimeToken: ResetToken,
): Promise<PreparedReset> {
  assertUsable(oneTimeToken);
  const { epoch } = await ctx.call("sessions.epoch", { user_id: oneTimeToken.user_id });
  const account = await findAddressee(ctx, oneTimeToken);
  // A moved epoch means that the password was changed or all sessions were ended after the link was requested.
  if (!account || (oneTimeToken.epoch !== null && epoch !== oneTimeToken.epoch))
    throw new AppError("one_time_token_invalid");
  // A verification link is valid for a day, which is too long for a reset of an account that is verified already.
  if (oneTimeToken.purpose === "verify_email" && account.is_verified) throw new AppError("one_time_token_invalid");
  await assertPasswordAllowed(deps, ctx, {
    tenant: { id: account.tenant_id },
    field: "new_password",
    password: ctx.params.new_password,
    owner: { email: account.email, username: account.username, fullName: account.full_name },
  });
  const { id: user_id, tenant_id, email, username } = account;
  const id = newId(deps.clock, deps.random);
  const secret = await deps.passwords.hash(ctx.params.new_password, id);
  return {
    account: { id: user_id, tenant_id, email, username },
    credential: { id, user_id, secret, kid: deps.ring.active, confirmed: true },
    proof: {
      kind: proofOf[oneTimeToken.purpose],
      wasProven: account.is_verified,
      unlinkProviders: ctx.params.unlink_providers === true,
    },
  };
}

async function commitReset(
  deps: ResetDeps,
  { client, correlationId }: ActionContext<NewPassword>,
  tx: Transaction,
  oneTimeToken: ResetToken,
  { account, credential, proof }: PreparedReset,
) {
  await lockOneTimeTokens(tx, account.id);
  if (!(await spendOneTimeToken(tx, oneTimeToken.id))) throw new AppError("one_time_token_invalid");
  const eventId = oneTimeToken.event_id;
  // This deletes the old password's row. It must not be updated instead, because a concurrent rehash could then overwrite
  // the new password.
  await revokeEarlierAccess(deps, tx, { account, proof, eventId, correlationId, client });
  await insertPasswordCredential(tx, credential);
  await clearThrottling(tx, account);
  return { account, event_id: eventId };
}
