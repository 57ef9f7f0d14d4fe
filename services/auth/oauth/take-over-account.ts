import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { revokeSessions } from "../../../lib/revocation/confirm-change.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { emailKey } from "../../../lib/runtime/text-keys.ts";
import type { AuthDeps } from "../dependencies.ts";
import { lockOneTimeTokens, revokeOneTimeTokens } from "../one-time-tokens/one-time-tokens.repo.ts";
import { deletePasswordCredentials } from "../password/credentials.repo.ts";
import { deleteIdentities, insertIdentity } from "./identities.repo.ts";
import { cancelPendingLinks } from "./oauth.repo.ts";
import type { ProviderIdentity } from "./oauth-providers.ts";

type Account = Pick<NonNullable<Actions["users.signInView"]["result"]>, "id" | "tenant_id" | "email">;
type TakeOverDeps = Pick<AuthDeps, "db" | "outbox" | "clock" | "random">;
type Ctx = Pick<ActionContext, "call" | "correlationId">;

/**
 * Gives an unverified account to the person whose provider vouches for its email address.
 *
 * The person who registered the account never proved that they own the address. They may be an attacker who waits for the
 * owner to arrive (pre-hijacking: Sudhodanan and Paverd, USENIX Security 2022). So all existing credentials, pending requests and
 * sessions are removed first, and only then is the account verified.
 */
export async function takeOverUnverifiedAccount(
  deps: TakeOverDeps,
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

/** The event `password.changed` also voids a pending email change, and notifies the owner by mail. */
function replaceCredentials(
  { db, outbox, clock, random }: TakeOverDeps,
  ctx: Ctx,
  { id, tenant_id }: Account,
  { issuer, sub, email }: ProviderIdentity,
): Promise<string> {
  return db.transaction(async (tx) => {
    await lockOneTimeTokens(tx, id);
    await revokeOneTimeTokens(tx, id, ["verify_email", "reset_password", "change_email"]);
    await deletePasswordCredentials(tx, id);
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
