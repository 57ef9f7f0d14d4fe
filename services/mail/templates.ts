import type { MailJob } from "./mail.contract.ts";

/** Subject and both parts of a message. */
export interface Rendered {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export type LinkKind = Extract<MailJob["kind"], "verify_email" | "reset_password" | "change_email" | "invite">;
export type NoticeKind = Exclude<MailJob["kind"], LinkKind>;

interface Letter {
  readonly subject: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

const links: Readonly<Record<LinkKind, Letter>> = {
  verify_email: {
    subject: "Confirm your email address",
    before: ["Please confirm that this is your email address by opening this link:"],
    after: [
      "The link works once, and for 24 hours.",
      "If you did not make an account with this address, do nothing: without the link it stays unconfirmed.",
    ],
  },
  reset_password: {
    subject: "Choose a new password",
    before: ["Somebody, hopefully you, asked for a new password for your account. Open this link to choose one:"],
    after: [
      "The link works once, and for one hour. It signs you out everywhere.",
      "If it wasn't you, do nothing: your password stays as it is.",
    ],
  },
  invite: {
    subject: "You are invited to be an administrator",
    before: [
      "An account was made for you, with which you administer its tenant. Open this link to choose its password:",
    ],
    after: [
      "The link works once, and for 24 hours. After that, ask for a new password on the sign-in page.",
      "If you don't know what this is about, do nothing: without a password nobody can sign in.",
    ],
  },
  change_email: {
    subject: "Confirm your new email address",
    before: ["Please confirm that this is the new email address of your account by opening this link:"],
    after: [
      "The link works once, and for 24 hours.",
      "If you did not ask for this, do nothing: without the link nothing changes.",
    ],
  },
};

const notices: Readonly<Record<NoticeKind, Omit<Letter, "after">>> = {
  password_changed: {
    subject: "Your password was changed",
    before: [
      "The password of your account was changed, and other devices were signed out.",
      "If it wasn't you, ask for a new password at once, on the sign-in page under “forgot password”: that signs out everybody else.",
    ],
  },
  token_reused: {
    subject: "A sign-in to your account was ended",
    before: [
      "Something that was used up was presented again to stay signed in to your account. Somebody may have copied it from one of your devices, so we ended that sign-in.",
      "Sign in again. If you don't know why this happened, change your password and look through your list of devices.",
    ],
  },
  provider_linked: {
    subject: "A new way to sign in to your account",
    before: [
      "From now on one can sign in to your account with {provider}, too.",
      "If it wasn't you, sign in, remove it from your linked providers, and change your password: that signs out everybody else.",
    ],
  },
  provider_unlinked: {
    subject: "A way to sign in to your account was removed",
    before: [
      "One can't sign in to your account with {provider} any more.",
      "If it wasn't you, change your password at once: that signs out everybody else.",
    ],
  },
  email_change_requested: {
    subject: "A new email address was asked for",
    before: [
      "Somebody, hopefully you, asked for another email address for your account. A link was sent there; until it is used, this address stays yours.",
      "If it wasn't you, change your password at once: that makes the link useless and signs out everybody else.",
    ],
  },
  email_changed: {
    subject: "Your email address was changed",
    before: [
      "Your account has another email address from now on. This is the last mail that we send to this one.",
      "If it wasn't you, write to your administrator: with this address alone you can't get the account back.",
    ],
  },
  account_deactivated: {
    subject: "Your account was deactivated",
    before: [
      "An administrator deactivated your account, and you were signed out everywhere.",
      "If you think that this is a mistake, answer to your administrator.",
    ],
  },
  account_reactivated: {
    subject: "Your account is active again",
    before: [
      "An administrator activated your account again. You can sign in as before.",
      "If you did not expect this, change your password after signing in and tell your administrator.",
    ],
  },
};

export function isLinkKind(kind: MailJob["kind"]): kind is LinkKind {
  return Object.hasOwn(links, kind);
}

export function renderLink(
  kind: LinkKind,
  { name, link }: { readonly name: string | null; readonly link: string },
): Rendered {
  const { subject, before, after } = links[kind];
  return {
    subject,
    // On a line of its own: mail programs take what stands beside a link into it.
    text: asText([greeting(name), ...before, link, ...after]),
    html: asHtml(subject, [...[greeting(name), ...before].map(paragraph), anchor(link), ...after.map(paragraph)]),
  };
}

interface Told {
  readonly name: string | null;
  readonly provider?: string | undefined;
}

export function renderNotice(kind: NoticeKind, { name, provider = "a provider" }: Told): Rendered {
  const { subject, before } = notices[kind];
  const paragraphs = [greeting(name), ...before.map((line) => line.replace("{provider}", () => provider))];
  return { subject, text: asText(paragraphs), html: asHtml(subject, paragraphs.map(paragraph)) };
}

const MAX_NAME = 100;

/** A stranger may register any address under any name: one that carries a line or a link of its own would be our letter, his text. */
function greeting(name: string | null): string {
  const shown = (name ?? "").replace(/[\p{C}\p{Z}]+/gu, " ").trim();
  return shown === "" || shown.length > MAX_NAME || looksLikeLink(shown) ? "Hello," : `Hello ${shown},`;
}

function looksLikeLink(text: string): boolean {
  return /:\/\/|www\.|@|\p{L}\.\p{L}{2,}/iu.test(text);
}

function asText(paragraphs: readonly string[]): string {
  return `${paragraphs.join("\n\n")}\n`;
}

function asHtml(title: string, blocks: readonly string[]): string {
  return `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title></head><body>\n${blocks.join("\n")}\n</body></html>\n`;
}

function paragraph(text: string): string {
  return `<p>${escaped(text)}</p>`;
}

function anchor(link: string): string {
  return `<p><a href="${escaped(link)}">${escaped(link)}</a></p>`;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign);
}
