import { requestedTenant } from "../../../lib/actions/caller.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { AuthDeps } from "../dependencies.ts";
import { type MailLinkDeps, nonexistentRecipient, requestMailAnonymously } from "../one-time-tokens/request-mail.ts";

/** Responds in the same way and time whether or not the account exists. */
export async function requestReset(
  deps: MailLinkDeps & Pick<AuthDeps, "db" | "securityEvents">,
  ctx: ActionContext<{ email: string }>,
): Promise<Record<string, never>> {
  const { tenant_id, user } = await ctx.call("users.findForSignIn", {
    tenant: requestedTenant(ctx.caller),
    email: ctx.params.email,
  });
  const account = user?.is_active ? user : null;
  const recipient = account ?? nonexistentRecipient(deps, tenant_id);
  // Also for an address without an account: the work must not reveal whether there is one.
  deps.securityEvents.aggregate(ctx, {
    tenant_id,
    action: "password_reset.requested",
    actor_id: null,
    user_id: account?.id ?? null,
    at: deps.clock.now().toISOString(),
    ip: ctx.client.ip.slice(0, 64) || null,
    details: {},
  });
  const { epoch } = await ctx.call("sessions.epoch", { user_id: recipient.id });
  return runIdempotently(deps.db, ctx, {
    userId: account?.id ?? null,
    commit: async (tx) => {
      const { correlationId } = ctx;
      const { languages } = ctx.client;
      const request = { purpose: "reset_password", recipient, epoch, correlationId, languages } as const;
      await requestMailAnonymously(deps, tx, request);
      return {};
    },
  });
}
