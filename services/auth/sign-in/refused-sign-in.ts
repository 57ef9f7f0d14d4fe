import { isError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { AuthDeps } from "../dependencies.ts";
import { findOwner } from "../oauth/identities.repo.ts";
import type { ProviderIdentity } from "../oauth/oauth-providers.ts";

type RecordDeps = Pick<AuthDeps, "clock" | "securityEvents">;
type Ctx = Pick<ActionContext, "call" | "client">;

interface RefusedSignIn {
  readonly tenantId: string;
  /** Null if no account has the email or username. */
  readonly userId: string | null;
  readonly provider?: string;
}

const RECORDED_ERRORS = [
  "too_many_attempts",
  "invalid_credentials",
  "account_disabled",
  "email_not_verified",
  "email_taken",
  "oauth_failed",
] as const;

/**
 * Records a refused sign-in in the activity log, without delaying the response. It is a call and not an event: events are
 * kept in the stream, and anyone could fill it with refused sign-ins. Throttled ones are not limited, so they are counted.
 */
export function recordRefusedSignIn(
  { clock, securityEvents }: RecordDeps,
  ctx: Ctx,
  { tenantId, userId, provider }: RefusedSignIn,
  error: unknown,
): void {
  if (!isError(error, ...RECORDED_ERRORS)) return;
  const entry = {
    tenant_id: tenantId,
    actor_id: null,
    user_id: userId,
    at: clock.now().toISOString(),
    ip: ctx.client.ip.slice(0, 64) || null,
    details: { code: error.type, ...(provider !== undefined && { provider }) },
  };
  if (error.type === "too_many_attempts") securityEvents.aggregate(ctx, { ...entry, action: "sign_in.throttled" });
  else securityEvents.record(ctx, { ...entry, action: "sign_in.refused" });
}

interface RefusedProviderSignIn {
  /** Slug. */
  readonly tenant: string;
  readonly provider: string;
  /** Null if the provider did not identify the user. */
  readonly identity: ProviderIdentity | null;
}

/** Records the refusal for the account that the identity is linked to, or else for the account with the identity's email. */
export function recordRefusedProviderSignIn(
  deps: RecordDeps & Pick<AuthDeps, "db" | "log">,
  ctx: Ctx,
  { tenant, provider, identity }: RefusedProviderSignIn,
  error: unknown,
): void {
  if (!isError(error, ...RECORDED_ERRORS)) return;
  const record = async () => {
    const { email = null } = identity ?? {};
    const { tenant_id, user } = await ctx.call("users.findForSignIn", { tenant, ...(email !== null && { email }) });
    const owner = identity && (await findOwner(deps.db, { tenant_id, issuer: identity.issuer, sub: identity.sub }));
    recordRefusedSignIn(deps, ctx, { tenantId: tenant_id, userId: owner ?? user?.id ?? null, provider }, error);
  };
  record().catch((failure: Error) => deps.log.warn({ error: failure.message }, "recording a refused sign-in failed"));
}
