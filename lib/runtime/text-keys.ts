import { createHash } from "node:crypto";

/**
 * What must be unique of an email address: computed here and nowhere else, since PostgreSQL's `lower()` and citext
 * differ from JavaScript ('İ').
 */
export function emailKey(email: string): string {
  return withoutCase(email);
}

/** What must be unique of a username. */
export function usernameKey(username: string): string {
  return withoutCase(username);
}

/** 64 hex digits. Without a key: it guards nothing secret, and must stay the same when keys rotate. */
export function emailKeyHash(tenantId: string, key: string): string {
  return createHash("sha256")
    .update(JSON.stringify([tenantId, key]))
    .digest("hex");
}

function withoutCase(text: string): string {
  return text.normalize("NFKC").toLowerCase();
}
