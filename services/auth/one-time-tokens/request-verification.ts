import { requestedTenant } from "../../../lib/actions/caller.ts";
import { fieldError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { AuthDeps } from "../dependencies.ts";
import { type MailLinkDeps, nobody, type Recipient, requestMailAnonymously } from "./request-mail.ts";

type Input = ActionContext<{ email?: string | undefined }>;

/** The same answer in the same time, whether the address waits for a link or not. */
export async function requestVerification(
  deps: MailLinkDeps & Pick<AuthDeps, "db">,
  ctx: Input,
): Promise<Record<string, never>> {
  const { recipient, known } = await findRecipient(deps, ctx);
  return runIdempotently(deps.db, ctx, {
    userId: known ? recipient.id : null,
    commit: async (tx) => {
      await requestMailAnonymously(deps, tx, {
        purpose: "verify_email",
        recipient,
        epoch: null,
        correlationId: ctx.correlationId,
      });
      return {};
    },
  });
}

async function findRecipient(deps: MailLinkDeps, ctx: Input): Promise<{ recipient: Recipient; known: boolean }> {
  const { tenantId, account } = await findAccount(ctx);
  const waits = account?.is_active && !account.is_verified ? account : null;
  return { recipient: waits ?? nobody(deps, tenantId), known: waits !== null };
}

/** Whoever is signed in asks for his own address, whatever he sends. */
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
