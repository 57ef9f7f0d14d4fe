import { MAILED_TOKEN_LIFETIME_HOURS, type MailedTokenPurpose } from "../../../lib/contracts/mailed-token.contract.ts";
import type { MailJob } from "../mail.contract.ts";

/** Subject, plain-text part and HTML part. */
export interface RenderedMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export type LinkKind = MailedTokenPurpose;
export type NoticeKind = Exclude<MailJob["kind"], LinkKind>;

interface MailText {
  readonly subject: string;
  /** Never in a mail to an address that is not the account's verified one, or not yet. */
  readonly greetsByName: boolean;
}

interface LinkText extends MailText {
  readonly beforeLink: readonly string[];
  readonly afterLink: readonly string[];
}

interface NoticeText extends MailText {
  readonly paragraphs: readonly string[];
}

const linkTexts: Readonly<Record<LinkKind, LinkText>> = {
  verify_email: {
    subject: "Confirm your email address",
    greetsByName: false,
    beforeLink: ["Please confirm that this is your email address by opening this link:"],
    afterLink: [
      lifetimeSentence("verify_email"),
      "If you did not sign up with this address, you can ignore this email: the address stays unconfirmed.",
    ],
  },
  reset_password: {
    subject: "Reset your password",
    greetsByName: true,
    beforeLink: ["We received a request to reset the password of your account. Open this link to choose a new one:"],
    afterLink: [
      `${lifetimeSentence("reset_password")} Using it signs you out on all devices.`,
      "If you did not request this, you can ignore this email: your password stays the same.",
    ],
  },
  invite: {
    subject: "You have been invited as an administrator",
    greetsByName: false,
    beforeLink: ["An administrator account was created for you. Open this link to choose its password:"],
    afterLink: [
      `${lifetimeSentence("invite")} After that, request a new password on the sign-in page.`,
      "If you were not expecting this invitation, you can ignore this email: nobody can sign in to the account until a password is set.",
    ],
  },
  change_email: {
    subject: "Confirm your new email address",
    greetsByName: false,
    beforeLink: ["Please confirm that this is the new email address of your account by opening this link:"],
    afterLink: [
      lifetimeSentence("change_email"),
      "If you did not request this, you can ignore this email: nothing will change.",
    ],
  },
};

function lifetimeSentence(kind: LinkKind): string {
  const hours = MAILED_TOKEN_LIFETIME_HOURS[kind];
  return `The link works once and expires after ${hours === 1 ? "one hour" : `${hours} hours`}.`;
}

const noticeTexts: Readonly<Record<NoticeKind, NoticeText>> = {
  password_changed: {
    subject: "Your password was changed",
    greetsByName: true,
    paragraphs: [
      "The password of your account was changed, and all other devices were signed out.",
      "If this wasn't you, reset your password right away with “Forgot password” on the sign-in page. This signs out everyone else.",
    ],
  },
  token_reused: {
    subject: "We ended one of your sessions",
    greetsByName: true,
    paragraphs: [
      "An expired sign-in credential was reused, possibly from a copied device. To protect your account, we ended the session it belongs to.",
      "Please sign in again. If you don't know what caused this, change your password and review the list of your devices.",
    ],
  },
  provider_linked: {
    subject: "A sign-in provider was linked to your account",
    greetsByName: true,
    paragraphs: [
      "You can now sign in with {provider}.",
      "If this wasn't you, sign in, unlink the provider and change your password. This signs out everyone else.",
    ],
  },
  provider_unlinked: {
    subject: "A sign-in provider was unlinked from your account",
    greetsByName: true,
    paragraphs: [
      "Signing in with {provider} is no longer possible.",
      "If this wasn't you, change your password right away. This signs out everyone else.",
    ],
  },
  email_change_requested: {
    subject: "A change of your email address was requested",
    greetsByName: false,
    paragraphs: [
      "We received a request to change the email address of your account, and sent a confirmation link to the new address. Until that link is opened, this address remains in use.",
      "If this wasn't you, change your password right away. This cancels the link and signs out everyone else.",
    ],
  },
  email_changed: {
    subject: "Your email address was changed",
    greetsByName: false,
    paragraphs: [
      "The email address of your account was changed. This is the last email we send to this address.",
      "If this wasn't you, contact your administrator: the account can no longer be recovered with this address.",
    ],
  },
  account_deactivated: {
    subject: "Your account was deactivated",
    greetsByName: true,
    paragraphs: [
      "An administrator deactivated your account, and you were signed out on all devices.",
      "If you think this is a mistake, contact your administrator.",
    ],
  },
  account_reactivated: {
    subject: "Your account is active again",
    greetsByName: true,
    paragraphs: [
      "An administrator reactivated your account. You can sign in as before.",
      "If you were not expecting this, sign in, change your password and contact your administrator.",
    ],
  },
};

export function isLinkKind(kind: MailJob["kind"]): kind is LinkKind {
  return Object.hasOwn(linkTexts, kind);
}

export interface Recipient {
  readonly name: string | null;
  /** Whether the address that the mail goes to is one that the account's owner has proven. */
  readonly isVerified: boolean;
}

export function renderLink(kind: LinkKind, recipient: Recipient, link: string): RenderedMail {
  const { subject, beforeLink, afterLink } = linkTexts[kind];
  const beforeParagraphs = [greeting(linkTexts[kind], recipient), ...beforeLink];
  return {
    subject,
    // The link has a line of its own, because some mail programs make adjacent text part of it.
    text: asText([...beforeParagraphs, link, ...afterLink]),
    html: asHtml(subject, [...beforeParagraphs.map(paragraph), anchor(link), ...afterLink.map(paragraph)]),
  };
}

export function renderNotice(kind: NoticeKind, recipient: Recipient, provider = "an external provider"): RenderedMail {
  const { subject, paragraphs } = noticeTexts[kind];
  // A replacement function, because a string would expand patterns such as `$&` in the provider's name.
  const withProvider = paragraphs.map((text) => text.replace("{provider}", () => provider));
  const all = [greeting(noticeTexts[kind], recipient), ...withProvider];
  return { subject, text: asText(all), html: asHtml(subject, all.map(paragraph)) };
}

const MAX_NAME_LENGTH = 100;

/**
 * Anyone can register someone else's address with any text as the name. No pattern recognizes all texts that deceive the
 * recipient, so only the owner of a verified address is greeted by name. The patterns remain for names that others write,
 * such as administrators and providers.
 */
function greeting({ greetsByName }: MailText, { name, isVerified }: Recipient): string {
  if (!greetsByName || !isVerified) return "Hello,";
  const shown = (name ?? "").replace(/[\p{C}\p{Z}]+/gu, " ").trim();
  return shown === "" || shown.length > MAX_NAME_LENGTH || looksLikeLink(shown) ? "Hello," : `Hello ${shown},`;
}

function looksLikeLink(text: string): boolean {
  return /:\/\/|www\.|@|\p{L}\.\p{L}{2,}/iu.test(text);
}

function asText(paragraphs: readonly string[]): string {
  return `${paragraphs.join("\n\n")}\n`;
}

function asHtml(title: string, blocks: readonly string[]): string {
  return `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head><body>\n${blocks.join("\n")}\n</body></html>\n`;
}

function paragraph(text: string): string {
  return `<p>${escapeHtml(text)}</p>`;
}

function anchor(link: string): string {
  return `<p><a href="${escapeHtml(link)}">${escapeHtml(link)}</a></p>`;
}

const htmlEntities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => htmlEntities[character] ?? character);
}
