export interface Recipient {
  readonly name: string | null;
  /** Whether the mail goes to an address that the owner of the account has verified. */
  readonly isVerified: boolean;
}

const MAX_NAME_LENGTH = 100;

/**
 * The name to greet by, or null. Anyone can register someone else's address with any text as the name, and no pattern
 * recognizes every deceptive text, so only the owner of a verified address is greeted by name. Names that look like links are
 * not used even then, because others, such as administrators and providers, may have set them.
 */
export function nameToGreet({ name, isVerified }: Recipient): string | null {
  if (!isVerified) return null;
  const shown = (name ?? "").replace(/[\p{C}\p{Z}]+/gu, " ").trim();
  return shown === "" || shown.length > MAX_NAME_LENGTH || looksLikeLink(shown) ? null : shown;
}

/** Mail programs make links of hosts in any script, of hosts with digits, and of addresses. */
const LINK = /:\/\/|www\.|@|[\p{L}\p{N}\p{M}-][.\u3002][\p{L}\p{N}\p{M}]{2,}|\d\.\d+\.\d+\.\d/iu;

/** NFKC maps the other full stops of host names (RFC 3490 section 3.1) to `.` and U+3002. */
function looksLikeLink(text: string): boolean {
  return LINK.test(text.normalize("NFKC"));
}
