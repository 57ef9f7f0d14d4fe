import { requestedTenant } from "../../../lib/actions/caller.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { AuthDeps } from "../dependencies.ts";
import { type MailLinkDeps, nobody, requestMailAnonymously } from "../one-time-tokens/request-mail.ts";

/** The same answer in the same time, account or not. */
export async function requestReset(
  deps: MailLinkDeps & Pick<AuthDeps, "db">,
  ctx: ActionContext<{ email: string }>,
): Promise<Record<string, never>> {
  const { tenant_id, user } = await ctx.call("users.findForSignIn", {
    tenant: requestedTenant(ctx.caller),
    email: ctx.params.email,
  });
  const known = user?.is_active ? user : null;
  const recipient = known ?? nobody(deps, tenant_id);
  const { epoch } = await ctx.call("sessions.epoch", { user_id: recipient.id });
  return runIdempotently(deps.db, ctx, {
    userId: known?.id ?? null,
    commit: async (tx) => {
      await requestMailAnonymously(deps, tx, {
        purpose: "reset_password",
        recipient,
        epoch,
        correlationId: ctx.correlationId,
      });
      return {};
    },
  });
}
