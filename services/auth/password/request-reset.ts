import { requestedTenant } from "../../../lib/actions/caller.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { AuthDeps } from "../dependencies.ts";
import { type MailLinkDeps, nonexistentRecipient, requestMailAnonymously } from "../one-time-tokens/request-mail.ts";

/** Responds in the same way and time whether or not the account exists. */
export async function requestReset(
  deps: MailLinkDeps & Pick<AuthDeps, "db">,
  ctx: ActionContext<{ email: string }>,
): Promise<Record<string, never>> {
  const { tenant_id, user } = await ctx.call("users.findForSignIn", {
    tenant: requestedTenant(ctx.caller),
    email: ctx.params.email,
  });
  const account = user?.is_active ? user : null;
  const recipient = account ?? nonexistentRecipient(deps, tenant_id);
  const { epoch } = await ctx.call("sessions.epoch", { user_id: recipient.id });
  return runIdempotently(deps.db, ctx, {
    userId: account?.id ?? null,
    commit: async (tx) => {
      const { correlationId } = ctx;
      await requestMailAnonymously(deps, tx, { purpose: "reset_password", recipient, epoch, correlationId });
      return {};
    },
  });
}
