import { fieldError } from "../../../lib/actions/errors.ts";
import { emailKey, usernameKey } from "../../../lib/runtime/text-keys.ts";
import { foldForSearch } from "./search-text.ts";

interface SourceColumns {
  readonly email: string;
  readonly username: string | null;
  readonly full_name: string | null;
  readonly current_title?: string | null;
  readonly company?: string | null;
}

/** Columns that every write of these fields must write too: the unique keys and what the admin list searches. */
export function derivedColumns({ email, username, full_name, current_title, company }: SourceColumns) {
  const searched = [full_name, username, email, current_title, company];
  return {
    email_key: indexableEmailKey(email),
    username_key: username === null ? null : usernameKey(username),
    search_text: foldForSearch(searched.filter((part) => part != null).join("\n")),
  };
}

/**
 * Throws 422 for an address that is too long for an index: NFKC expands one character to up to 18, and an index entry
 * holds at most 2,704 bytes.
 */
export function indexableEmailKey(email: string): string {
  const key = emailKey(email);
  if (Buffer.byteLength(key) > 1_024) throw fieldError("email", "too_long", "is too long");
  return key;
}
