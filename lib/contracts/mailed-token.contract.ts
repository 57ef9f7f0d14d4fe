import * as z from "zod";

/** What a link in a mail is for. The only list: contracts, SQL and mails derive from it. */
export const MailedTokenPurpose = z.enum(["verify_email", "reset_password", "change_email", "invite"]);
export type MailedTokenPurpose = z.infer<typeof MailedTokenPurpose>;

/** How long a link is valid after its mail was sent. At most 24 hours, which is also the limit counted from the request. */
export const MAILED_TOKEN_LIFETIME_HOURS: Readonly<Record<MailedTokenPurpose, number>> = {
  verify_email: 24,
  reset_password: 1,
  change_email: 24,
  invite: 24,
};
