import { createHash } from "node:crypto";

/**
 * The form of an email address that must be unique. Computed only here, because PostgreSQL's `lower()` and citext differ
 * from JavaScript ('İ').
 */
export function emailKey(email: string): string {
  return withoutCase(email);
}

/**
 * True if only the case of ASCII letters differs. Proof of one address is proof of the other only then: different mailboxes
 * can have the same `emailKey`, such as those of `k@example.com` and of the same address with a Kelvin sign (U+212A).
 */
export function isSameMailbox(one: string, other: string): boolean {
  return withoutAsciiCase(one) === withoutAsciiCase(other);
}

/** The form of a username that must be unique. */
export function usernameKey(username: string): string {
  return withoutCase(username);
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
