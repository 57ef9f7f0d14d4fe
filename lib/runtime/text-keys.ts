import { createHash } from "node:crypto";
import { asciiDomain } from "./domain-names.ts";

/**
 * The form of an email address that must be unique: without surrounding blanks and case, the domain in ASCII, because
 * `bücher.example` and `xn--bcher-kva.example` are one domain. Computed only here, because PostgreSQL's `lower()` and citext
 * differ from JavaScript ('İ').
 */
export function emailKey(email: string): string {
  // The order matters: compatibility characters such as U+00A8 decompose into a blank and another character.
  const { local, domain } = partsOf(email.normalize("NFKC").trim());
  return domain === null ? withoutCase(local) : `${withoutCase(local)}@${asciiDomain(domain) ?? withoutCase(domain)}`;
}

/**
 * True if only the case of ASCII letters differs, and the spelling of the domain. Proof of one address is proof of the other only then: different mailboxes
 * can have the same `emailKey`, such as those of `k@example.com` and of the same address with a Kelvin sign (U+212A).
 */
export function isSameMailbox(one: string, other: string): boolean {
  return mailboxOf(one) === mailboxOf(other);
}

/** The form of a username that must be unique. */
export function usernameKey(username: string): string {
  return withoutCase(username).trim();
}

/** 64 hex digits. Not keyed: it protects no secret, and must not change when keys rotate. */
export function emailKeyHash(tenantId: string, key: string): string {
  return createHash("sha256")
    .update(JSON.stringify([tenantId, key]))
    .digest("hex");
}

function withoutCase(text: string): string {
  return text.normalize("NFKC").toLowerCase();
}

function withoutAsciiCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function mailboxOf(email: string): string {
  const { local, domain } = partsOf(email);
  return domain === null
    ? withoutAsciiCase(local)
    : `${withoutAsciiCase(local)}@${asciiDomain(domain) ?? withoutAsciiCase(domain)}`;
}

function partsOf(email: string): { readonly local: string; readonly domain: string | null } {
  const at = email.lastIndexOf("@");
  return at === -1 ? { local: email, domain: null } : { local: email.slice(0, at), domain: email.slice(at + 1) };
}
