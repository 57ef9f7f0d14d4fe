import { isError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { AuthDeps } from "../dependencies.ts";
import { ownerOf } from "../oauth/identities.repo.ts";
import type { ProviderIdentity } from "../oauth/oauth-providers.ts";

interface Attempt {
  readonly tenantId: string;
  /** Null where nobody has that name. */
  readonly userId: string | null;
  readonly provider?: string;
}

const refusals = [
  "invalid_credentials",
  "account_disabled",
  "email_not_verified",
  "email_taken",
  "oauth_failed",
] as const;

/**
 * A refused sign-in goes to the activity log directly and nobody waits for it: as a fact of the outbox every guess would
 * stay in the stream of the mesh for ever. Those that are turned away unseen (429) are counted, not logged.
 */
export function recordRefusedSignIn(
  { clock, random, log }: Pick<AuthDeps, "clock" | "random" | "log">,
  ctx: Pick<ActionContext, "call" | "client">,
  { tenantId, userId, provider }: Attempt,
  error: unknown,
): void {
  if (!isError(error, ...refusals)) return;
  const noted = ctx.call("admin.record", {
    id: newId(clock, random),
    tenant_id: tenantId,
    action: "sign_in.refused",
    actor_id: null,
    user_id: userId,
    at: clock.now().toISOString(),
    ip: ctx.client.ip.slice(0, 64) || null,
    details: { code: error.type, ...(provider !== undefined && { provider }) },
  });
  noted.catch((failure: Error) => log.warn({ error: failure.message }, "recording a refused sign-in failed"));
}

interface RefusedIdentity {
  /** Slug. */
  readonly tenant: string;
  readonly provider: string;
  /** Null where the provider did not tell it. */
  readonly identity: ProviderIdentity | null;
}

/** Stands with the account that it is linked to, else with the one that has its email. */
export function recordRefusedProviderSignIn(
  deps: Pick<AuthDeps, "clock" | "random" | "log" | "db">,
  ctx: Pick<ActionContext, "call" | "client">,
  { tenant, provider, identity }: RefusedIdentity,
  error: unknown,
): void {
  if (!isError(error, ...refusals)) return;
  const { email = null } = identity ?? {};
  const noted = (async () => {
    const { tenant_id, user } = await ctx.call("users.findForSignIn", { tenant, ...(email !== null && { email }) });
    const owner = identity && (await ownerOf(deps.db, { tenant_id, issuer: identity.issuer, sub: identity.sub }));
    recordRefusedSignIn(deps, ctx, { tenantId: tenant_id, userId: owner ?? user?.id ?? null, provider }, error);
  })();
  noted.catch((failure: Error) => deps.log.warn({ error: failure.message }, "recording a refused sign-in failed"));
}
