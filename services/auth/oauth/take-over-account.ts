import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { revokeSessions } from "../../../lib/revocation/confirm-change.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { emailKey } from "../../../lib/runtime/text-keys.ts";
import type { AuthDeps } from "../dependencies.ts";
import { lockOneTimeTokens, revokeOneTimeTokens } from "../one-time-tokens/one-time-tokens.repo.ts";
import { deletePasswords } from "../password/credentials.repo.ts";
import { deleteIdentities, insertIdentity } from "./identities.repo.ts";
import { cancelPendingLinks } from "./oauth.repo.ts";
import type { ProviderIdentity } from "./oauth-providers.ts";

type Account = Pick<NonNullable<Actions["users.signInView"]["result"]>, "id" | "tenant_id" | "email">;
type ClaimDeps = Pick<AuthDeps, "db" | "outbox" | "clock" | "random">;
type Ctx = Pick<ActionContext, "call" | "correlationId">;

/**
 * Somebody registered with an address that he never proved to have; now a provider vouches that it is this person's.
 * Pre-hijacking (Sudhodanan and Paverd, USENIX Security 2022): a stranger may have made the account to wait in it. So
 * every way in that was there before goes with its sessions, and only then the account is verified and his.
 */
export async function takeOverUnverifiedAccount(
  deps: ClaimDeps,
  ctx: Ctx,
  account: Account,
  identity: ProviderIdentity,
) {
  const eventId = await replaceCredentials(deps, ctx, account, identity);
  await revokeSessions(ctx.call, { user_id: account.id, event_id: eventId });
  const { epoch } = await ctx.call("sessions.epoch", { user_id: account.id });
  const { user } = await ctx.call("users.confirmEmail", {
    user_id: account.id,
    email_key: emailKey(account.email),
    token_id: newId(deps.clock, deps.random),
    event_id: newId(deps.clock, deps.random),
  });
  return { account: user, epoch };
}

/** `password.changed` ends what else was begun before, a change of address too, and is mailed to the owner. */
function replaceCredentials(
  { db, outbox, clock, random }: ClaimDeps,
  ctx: Ctx,
  { id, tenant_id }: Account,
  { issuer, sub, email }: ProviderIdentity,
): Promise<string> {
  return db.transaction(async (tx) => {
    await lockOneTimeTokens(tx, id);
    await revokeOneTimeTokens(tx, id, ["verify_email", "reset_password", "change_email"]);
    await deletePasswords(tx, id);
    await deleteIdentities(tx, id);
    await cancelPendingLinks(tx, id);
    if (!(await insertIdentity(tx, { tenant_id, issuer, sub, user_id: id, email }))) throw new AppError("conflict");
    return outbox.append(tx, {
      type: "password.changed",
      userId: id,
      tenantId: tenant_id,
      correlationId: ctx.correlationId,
      eventId: newId(clock, random),
      data: { reason: "claimed" },
    });
  });
}
