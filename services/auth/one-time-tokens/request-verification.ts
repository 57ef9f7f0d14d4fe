import { requestedTenant } from "../../../lib/actions/caller.ts";
import { fieldError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { AuthDeps } from "../dependencies.ts";
import { type MailLinkDeps, nonexistentRecipient, requestMailAnonymously } from "./request-mail.ts";

type Input = ActionContext<{ email?: string | undefined }>;

/** Responds in the same way and time whether or not an account waits to be verified. */
export async function requestVerification(
  deps: MailLinkDeps & Pick<AuthDeps, "db">,
  ctx: Input,
): Promise<Record<string, never>> {
  const { tenantId, account } = await findAccount(ctx);
  const unverified = account?.is_active && !account.is_verified ? account : null;
  const recipient = unverified ?? nonexistentRecipient(deps, tenantId);
  return runIdempotently(deps.db, ctx, {
    userId: unverified?.id ?? null,
    commit: async (tx) => {
      const { correlationId } = ctx;
      const { languages } = ctx.client;
      const request = { purpose: "verify_email", recipient, epoch: null, correlationId, languages } as const;
      await requestMailAnonymously(deps, tx, request);
      return {};
    },
  });
}

/** A signed-in user can only request a link for their own address; the field `email` is ignored. */
async function findAccount({ caller, params, call }: Input) {
  if (caller.kind === "user") {
    return { tenantId: caller.home_tenant_id, account: await call("users.signInView", { id: caller.user_id }) };
  }
  if (params.email === undefined) throw fieldError("email", "required", "is required unless you are signed in");
  const { tenant_id, user } = await call("users.findForSignIn", {
    tenant: requestedTenant(caller),
    email: params.email,
  });
  return { tenantId: tenant_id, account: user };
}
