import { MAILED_TOKEN_LIFETIME_HOURS, MailedTokenPurpose } from "../../../lib/contracts/mailed-token.contract.ts";
import { MailJob } from "../mail.contract.ts";
import type { TemplateValues } from "./template-file.ts";

export type MailKind = MailJob["kind"];
export type LinkKind = MailedTokenPurpose;
export type MailDetails = Pick<MailJob, "provider" | "revocation">;

export const mailKinds: readonly MailKind[] = MailJob.shape.kind.options;

export function isLinkKind(kind: MailKind): kind is LinkKind {
  return MailedTokenPurpose.options.some((one) => one === kind);
}

/** Mails to an address that is not (yet) verified for the account. They greet nobody by name. */
const toUnprovenAddress: ReadonlySet<MailKind> = new Set([
  "verify_email",
  "change_email",
  "invite",
  "email_change_requested",
  "email_changed",
]);

export function greetsByName(kind: MailKind): boolean {
  return !toUnprovenAddress.has(kind);
}

/** The values of the placeholders of a mail, besides `{brand}`, which all mails have. */
export function valuesOf(kind: MailKind, { provider, revocation }: MailDetails): TemplateValues {
  if (isLinkKind(kind)) return { hours: MAILED_TOKEN_LIFETIME_HOURS[kind] };
  // Events of earlier versions do not name the provider, and do not say why the password was changed.
  if (kind === "provider_linked" || kind === "provider_unlinked") return { provider: provider ?? "unknown" };
  if (kind !== "password_changed") return {};
  const { removed_providers: removed = [], kept_providers: kept = [] } = revocation ?? {};
  return {
    reason: revocation?.reason ?? "changed",
    first_proof: revocation?.first_proof ? "yes" : "no",
    removed_providers: removed.join(", "),
    removed_count: removed.length,
    kept_providers: kept.join(", "),
    kept_count: kept.length,
  };
}
