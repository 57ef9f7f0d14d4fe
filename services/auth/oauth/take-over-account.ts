import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { AuthDeps } from "../dependencies.ts";
import { completeProof } from "../earlier-access/complete-proof.ts";
import { revokeEarlierAccess } from "../earlier-access/revoke-earlier-access.ts";
import { insertIdentity } from "./identities.repo.ts";
import type { ProviderIdentity } from "./oauth-providers.ts";

type Account = Pick<NonNullable<Actions["users.signInView"]["result"]>, "id" | "tenant_id" | "email">;
type TakeOverDeps = Pick<AuthDeps, "db" | "outbox" | "oauth" | "clock" | "random">;
type Ctx = Pick<ActionContext, "call" | "client" | "correlationId">;

/**
 * Gives an unverified account to the person whose provider vouches for its email address. The person who registered it never
 * proved that they own the address, so what they left is revoked first, and only then is the account verified.
 */
export async function takeOverUnverifiedAccount(
  deps: TakeOverDeps,
  ctx: Ctx,
  account: Account,
  identity: ProviderIdentity,
) {
  const eventId = await replaceAccess(deps, ctx, account, identity);
  const user = await completeProof(ctx, account, eventId);
  if (!user) throw new AppError("oauth_failed");
  const { epoch } = await ctx.call("sessions.epoch", { user_id: account.id });
  return { account: user, epoch };
}

function replaceAccess(
  deps: TakeOverDeps,
  { client, correlationId }: Ctx,
  account: Account,
  { issuer, sub, email }: ProviderIdentity,
): Promise<string> {
  const proof = { kind: "provider_claim", wasProven: false, unlinkProviders: false } as const;
  const eventId = newId(deps.clock, deps.random);
  return deps.db.transaction(async (tx) => {
    const claimedBy = { issuer, sub };
    await revokeEarlierAccess(deps, tx, { account, proof, eventId, correlationId, client, claimedBy });
    const { id: user_id, tenant_id } = account;
    if (!(await insertIdentity(tx, { tenant_id, issuer, sub, user_id, email }))) throw new AppError("conflict");
    return eventId;
  });
}
