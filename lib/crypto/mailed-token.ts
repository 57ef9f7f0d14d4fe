import { isUuid } from "../runtime/ids.ts";
import { decodeCanonical, encode } from "./base64url.ts";
import type { KeyRing } from "./key-ring.ts";

export type MailedTokenPurpose = "verify_email" | "reset_password" | "change_email" | "invite";

/** The row of `one_time_tokens` that a mailed token is derived from. */
export interface MailedTokenBinding {
  readonly kid: string;
  /** A UUID. */
  readonly tokenId: string;
  readonly purpose: MailedTokenPurpose;
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

/** `v1.<kid>.<token_id>.<mac>`, at most 100 characters; the same at each retry of the mail. Throws UnknownKeyError. */
export function formatMailedToken(ring: KeyRing, binding: MailedTokenBinding): string {
  const mac = ring.mac("otp", signedText(binding), binding.kid);
  return `v1.${binding.kid}.${binding.tokenId}.${encode(mac)}`;
}

/** Null for everything that `formatMailedToken` doesn't write. The MAC is not checked yet. */
export function parseMailedToken(text: string): ParsedMailedToken | null {
  const [, kid, tokenId, macText] = tokenForm.exec(text) ?? [];
  if (!kid || !isUuid(tokenId) || !macText) return null;
  const mac = decodeCanonical(macText);
  return mac && { kid, tokenId, mac };
}

/**
 * Was this token made for that row? Constant time. Throws UnknownKeyError if the ring lacks the row's key;
 * another key id in the token is no match, whoever made it up.
 */
export function mailedTokenMatches(ring: KeyRing, token: ParsedMailedToken, binding: MailedTokenBinding): boolean {
  if (token.kid !== binding.kid || token.tokenId !== binding.tokenId) return false;
  return ring.macMatches("otp", signedText(binding), binding.kid, token.mac);
}

const tokenForm = /^v1\.([a-z0-9]{1,16})\.([0-9a-f-]{36})\.([\w-]{43})$/;

function signedText({ kid, tokenId, purpose, userId, tenantId, emailKeyHash }: MailedTokenBinding): string {
  return JSON.stringify(["v1", kid, tokenId, purpose, userId, tenantId, emailKeyHash]);
}
