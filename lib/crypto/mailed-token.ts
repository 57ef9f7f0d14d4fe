import { isUuid } from "../runtime/ids.ts";
import { decodeCanonical, encode } from "./base64url.ts";
import type { KeyRing } from "./key-ring.ts";

/** The row of `one_time_tokens` that a mailed token is derived from. */
export interface MailedTokenBinding {
  readonly kid: string;
  /** A UUID. */
  readonly tokenId: string;
  readonly purpose: string;
  /** Null while an invited person has no account. */
  readonly userId: string | null;
  readonly tenantId: string;
  /** `emailKeyHash` of the address that the mail goes to. */
  readonly emailKeyHash: string;
}

export interface ParsedMailedToken {
  readonly kid: string;
  readonly tokenId: string;
  readonly mac: Buffer;
}

const TOKEN_FORM = /^v1\.([a-z0-9]{1,16})\.([0-9a-f-]{36})\.([\w-]{43})$/;

/** `v1.<kid>.<token_id>.<mac>`, at most 100 characters; the same at each retry of the mail. Throws UnknownKeyError. */
export function formatMailedToken(ring: KeyRing, binding: MailedTokenBinding): string {
  const mac = ring.mac("otp", signedText(binding), binding.kid);
  return `v1.${binding.kid}.${binding.tokenId}.${encode(mac)}`;
}

/** Null for any text that `formatMailedToken` does not produce. Does not check the MAC. */
export function parseMailedToken(text: string): ParsedMailedToken | null {
  const [, kid, tokenId, macText] = TOKEN_FORM.exec(text) ?? [];
  if (!kid || !isUuid(tokenId) || !macText) return null;
  const mac = decodeCanonical(macText);
  return mac && { kid, tokenId, mac };
}

/**
 * Whether the token was derived from the row, in constant time. Throws UnknownKeyError if the ring lacks the row's key; a
 * different key id in the token is just no match.
 */
export function mailedTokenMatches(ring: KeyRing, token: ParsedMailedToken, binding: MailedTokenBinding): boolean {
  if (token.kid !== binding.kid || token.tokenId !== binding.tokenId) return false;
  return ring.macMatches("otp", signedText(binding), binding.kid, token.mac);
}

function signedText({ kid, tokenId, purpose, userId, tenantId, emailKeyHash }: MailedTokenBinding): string {
  return JSON.stringify(["v1", kid, tokenId, purpose, userId, tenantId, emailKeyHash]);
}
