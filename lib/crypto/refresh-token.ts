import { isUuid } from "../runtime/ids.ts";
import { decodeCanonical, encode } from "./base64url.ts";
import type { KeyRing } from "./key-ring.ts";

/** The parts of a refresh token; salt and kid are stored in the session's row. */
export interface RefreshTokenParts {
  readonly kid: string;
  /** A UUID. */
  readonly sessionId: string;
  /** Starts at 0 and increases by one at each refresh. */
  readonly counter: number;
  /** Random text from the session's row. Without it, the key alone would be enough to forge tokens. */
  readonly salt: string;
}

export interface ParsedRefreshToken {
  readonly kid: string;
  readonly sessionId: string;
  readonly counter: number;
  readonly mac: Buffer;
}

/** `v1.<kid>.<session>.<counter>.<mac>`, at most 117 characters; deterministic. Throws UnknownKeyError. */
export function formatRefreshToken(ring: KeyRing, parts: RefreshTokenParts): string {
  const { kid, sessionId, counter } = parts;
  return `v1.${kid}.${sessionId}.${counter}.${encode(ring.mac("refresh", signedText(parts), kid))}`;
}

/** Null for any text that `formatRefreshToken` would not return. Does not check the MAC. */
export function parseRefreshToken(text: string): ParsedRefreshToken | null {
  const [, kid, sessionId, counterText, macText] = tokenForm.exec(text) ?? [];
  if (!kid || !isUuid(sessionId) || !counterText || !macText) return null;
  const counter = Number(counterText);
  const mac = decodeCanonical(macText);
  return mac && Number.isSafeInteger(counter) ? { kid, sessionId, counter, mac } : null;
}

/**
 * True if the token was issued for this session; takes constant time. The key id in a token is untrusted, so an unknown
 * one is no match. Throws UnknownKeyError only if the session's row names the missing key too.
 */
export function refreshTokenMatches(
  ring: KeyRing,
  token: ParsedRefreshToken,
  session: { readonly kid: string; readonly salt: string },
): boolean {
  if (!ring.kids.includes(token.kid) && token.kid !== session.kid) return false;
  return ring.macMatches("refresh", signedText({ ...token, salt: session.salt }), token.kid, token.mac);
}

const tokenForm = /^v1\.([a-z0-9]{1,16})\.([0-9a-f-]{36})\.(0|[1-9][0-9]{0,15})\.([\w-]{43})$/;

function signedText({ kid, sessionId, counter, salt }: RefreshTokenParts): string {
  return JSON.stringify(["v1", kid, sessionId, counter, salt]);
}
