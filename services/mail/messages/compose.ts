import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { Config } from "../../../lib/config/config.ts";
import type { MailJob } from "../mail.contract.ts";
import type { MailDeps } from "../mail.deps.ts";
import { brandOfTenant } from "./brand.ts";
import type { Recipient } from "./greeting.ts";
import { isLinkKind, type LinkKind } from "./mail-kinds.ts";
import { renderMail } from "./render-mail.ts";
import type { OutgoingMail } from "./smtp-transport.ts";

type Ctx = Pick<ActionContext<MailJob>, "params" | "call">;
type Deps = Pick<MailDeps, "config" | "clock" | "templates" | "brand">;

/**
 * Called immediately before sending, because the address, the name and the token may change. Null if the message is
 * obsolete.
 */
export async function compose(deps: Deps, ctx: Ctx): Promise<OutgoingMail | null> {
  const { id, kind, tenant_id, correlation_id, languages = [] } = ctx.params;
  const [tenant, addressed, preferred] = await Promise.all([
    ctx.call("users.tenantBrand", { id: tenant_id }),
    isLinkKind(kind) ? addressLink(ctx, kind) : addressNotice(ctx),
    preferredLanguage(ctx),
  ]);
  if (!addressed) return null;
  const { to, recipient, token } = addressed;
  const { http, mail } = deps.config;
  const slug = tenant?.slug ?? null;
  const link = isLinkKind(kind) && token !== undefined ? { link: linkTo(http, { kind, token, tenant: slug }) } : {};
  const texts = deps.templates.textsFor([...preferred, ...languages]);
  const brand = brandOfTenant(deps.brand, tenant);
  return {
    ...renderMail(texts, { kind, brand, details: ctx.params, recipient, ...link }),
    to,
    from: mail.from,
    messageId: `<${id}@${new URL(http.publicUrl).hostname}>`,
    date: deps.clock.now(),
    headers: { "X-Correlation-ID": correlation_id, "Auto-Submitted": "auto-generated" },
  };
}

/** None if the preferences service does not answer: a mail in another language is better than a late one. */
async function preferredLanguage({ params, call }: Ctx): Promise<string[]> {
  const preferences = await call("preferences.get", { user_id: params.user_id }).catch(() => null);
  return typeof preferences?.language === "string" ? [preferences.language] : [];
}

interface Addressed {
  readonly to: string;
  readonly recipient: Recipient;
  /** The token in the link; absent in mails without a link. */
  readonly token?: string;
}

async function addressLink({ params, call }: Ctx, kind: LinkKind): Promise<Addressed | null> {
  const found = await call("auth.deriveMailToken", { token_id: params.id });
  if (!found || found.purpose !== kind) return null;
  const { email, name, is_verified: isVerified, token } = found;
  return { to: email, recipient: { name, isVerified }, token };
}

/** The page that the button of a mail opens: our own, or that of a client's application. */
export function linkTo(
  { publicUrl, passwordResetUrl, emailVerificationUrl }: Config["http"],
  { kind, token, tenant }: { readonly kind: LinkKind; readonly token: string; readonly tenant: string | null },
): string {
  const setsPassword = kind === "reset_password" || kind === "invite";
  const page = setsPassword ? passwordResetUrl : emailVerificationUrl;
  if (page !== undefined) return withToken(page, token);
  const path = setsPassword ? "/reset-password" : "/api/v1/auth/verify-email";
  // The page shows the tenant's brand and leads to the tenant's sign-in page.
  return `${publicUrl}${path}${tenant === null ? "" : `?tenant=${tenant}`}#token=${token}`;
}

/** Notices about an email change go to the old address. Nothing tells whether its owner had proven it. */
async function addressNotice({ params, call }: Ctx): Promise<Addressed | null> {
  if (params.email_change !== undefined) {
    const change = await call("users.emailChange", { token_id: params.email_change });
    return change && { to: change.old_email, recipient: { name: null, isVerified: false } };
  }
  const user = await call("users.get", { id: params.user_id });
  return user && { to: user.email, recipient: { name: user.full_name, isVerified: user.is_verified } };
}

/**
 * The link to a page of an application, which reads the token from the query. Our own pages read it from the fragment, which
 * reaches no server, no log and no referrer. A single-page app with routes like `#/reset` reads only what follows the hash.
 */
export function withToken(page: string, token: string): string {
  const url = new URL(page);
  if (/^#!?\//.test(url.hash)) url.hash += `${url.hash.includes("?") ? "&" : "?"}token=${encodeURIComponent(token)}`;
  else url.searchParams.set("token", token);
  return url.href;
}
