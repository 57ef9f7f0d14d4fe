import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { MailJob } from "../mail.contract.ts";
import type { MailDeps } from "../mail.deps.ts";
import type { OutgoingMail } from "./smtp-transport.ts";
import {
  isLinkKind,
  type LinkKind,
  type NoticeKind,
  type Recipient,
  type RenderedMail,
  renderLink,
  renderNotice,
} from "./templates.ts";

type Ctx = Pick<ActionContext<MailJob>, "params" | "call">;

/**
 * Called immediately before sending, because the address, the name and the token may change. Null if the message is
 * obsolete.
 */
export async function compose(deps: Pick<MailDeps, "config" | "clock">, ctx: Ctx): Promise<OutgoingMail | null> {
  const { kind } = ctx.params;
  const content = isLinkKind(kind) ? await linkMail(deps, ctx, kind) : await noticeMail(ctx, kind);
  if (!content) return null;
  const { id, correlation_id } = ctx.params;
  return {
    ...content,
    from: deps.config.mail.from,
    messageId: `<${id}@${new URL(deps.config.http.publicUrl).hostname}>`,
    date: deps.clock.now(),
    headers: { "X-Correlation-ID": correlation_id, "Auto-Submitted": "auto-generated" },
  };
}

type Content = RenderedMail & { readonly to: string };

async function linkMail(
  { config }: Pick<MailDeps, "config">,
  { params, call }: Ctx,
  kind: LinkKind,
): Promise<Content | null> {
  const token = await call("auth.deriveMailToken", { token_id: params.id });
  if (!token || token.purpose !== kind) return null;
  const { publicUrl, passwordResetUrl } = config.http;
  const page =
    kind === "reset_password" || kind === "invite"
      ? (passwordResetUrl ?? `${publicUrl}/reset-password`)
      : `${publicUrl}/api/v1/auth/verify-email`;
  const recipient = { name: token.name, isVerified: token.is_verified };
  return { to: token.email, ...renderLink(kind, recipient, withToken(page, token.token)) };
}

async function noticeMail(ctx: Ctx, kind: NoticeKind): Promise<Content | null> {
  const recipient = await recipientOf(ctx);
  return recipient && { to: recipient.email, ...renderNotice(kind, recipient, ctx.params.provider) };
}

/** Notices about an email change go to the old address. Nothing tells whether its owner had proven it. */
async function recipientOf({ params, call }: Ctx): Promise<(Recipient & { readonly email: string }) | null> {
  if (params.email_change !== undefined) {
    const change = await call("users.emailChange", { token_id: params.email_change });
    return change && { email: change.old_email, name: null, isVerified: false };
  }
  const user = await call("users.get", { id: params.user_id });
  return user && { email: user.email, name: user.full_name, isVerified: user.is_verified };
}

function withToken(page: string, token: string): string {
  const url = new URL(page);
  url.searchParams.set("token", token);
  return url.href;
}
