import { originOf, requireAdministrator } from "../../../lib/actions/caller.ts";
import { AppError, fieldError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import type { MailedTokenPurpose } from "../../../lib/contracts/mailed-token.contract.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { AuthDeps } from "../dependencies.ts";
import { assertMayMail, type MailLinkDeps, requestMail } from "../one-time-tokens/request-mail.ts";
import { findPasswordCredential } from "./credentials.repo.ts";

type Params = Actions["auth.sendLink"]["params"];
type Deps = MailLinkDeps & Pick<AuthDeps, "db" | "securityEvents">;
type Account = NonNullable<Actions["users.signInView"]["result"]>;

const purposes = {
  invitation: "invite",
  password_reset: "reset_password",
  email_verification: "verify_email",
} as const satisfies Record<Params["kind"], MailedTokenPurpose>;

/**
 * Mails a link to the owner of an account. Administrators never choose or see a password (ASVS 5.0 V6.4.6), and the link
 * does not reach them.
 */
export async function sendLink(deps: Deps, ctx: ActionContext<Params>): Promise<Record<string, never>> {
  const { id, kind } = ctx.params;
  const { tenant_id, user_id: actor_id } = requireAdministrator(ctx.caller);
  await ctx.call("users.canManage", { id, tenant_id, actor_id });
  const { epoch } = await ctx.call("sessions.epoch", { user_id: id });
  return runIdempotently(deps.db, ctx, {
    userId: id,
    prepare: () => findRecipient(deps, ctx),
    commit: async (tx, recipient) => {
      const purpose = purposes[kind];
      await assertMayMail(tx, recipient.id, purpose);
      const isBoundToEpoch = purpose !== "verify_email";
      const { correlationId } = ctx;
      await requestMail(deps, tx, {
        purpose,
        recipient,
        epoch: isBoundToEpoch ? epoch : null,
        correlationId,
        languages: ctx.client.languages,
      });
      return {};
    },
    after: async (sent) => {
      recordLink(deps, ctx, tenant_id);
      return sent;
    },
  });
}

async function findRecipient({ db }: Deps, { params: { id, kind }, call }: ActionContext<Params>): Promise<Account> {
  const account = await call("users.signInView", { id });
  if (!account?.is_active) throw new AppError("account_disabled");
  if (kind === "email_verification" && account.is_verified)
    throw fieldError("kind", "already_verified", "has no effect: the address is verified");
  if (kind === "invitation" && (await findPasswordCredential(db, id)))
    throw fieldError("kind", "has_password", "has no effect: the account has a password");
  return account;
}

function recordLink({ clock, securityEvents }: Deps, ctx: ActionContext<Params>, tenant_id: string): void {
  const { actor_id = null, actor, ip = null } = originOf(ctx);
  securityEvents.record(ctx, {
    tenant_id,
    action: "link.sent",
    actor_id,
    ...(actor !== undefined && { actor }),
    user_id: ctx.params.id,
    at: clock.now().toISOString(),
    ip: ip?.slice(0, 64) ?? null,
    details: { kind: ctx.params.kind },
  });
}
