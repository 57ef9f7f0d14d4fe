import { isUuid } from "../runtime/ids.ts";
import { decodeCanonical, encode } from "./base64url.ts";
import type { KeyRing } from "./key-ring.ts";

/** What a refresh token is made of; salt and kid stand in the session's row. */
export interface RefreshTokenParts {
  readonly kid: string;
  /** A UUID. */
  readonly sessionId: string;
  /** A whole number from 0, one more at each refresh. */
  readonly counter: number;
  /** Random text of the session's row: without it, who has the key but not the database can't make tokens. */
  readonly salt: string;
}

export interface ParsedRefreshToken {
  readonly kid: string;
  readonly sessionId: string;
  readonly counter: number;
  readonly mac: Buffer;
}

/** `v1.<kid>.<session>.<counter>.<mac>`, at most 117 characters; the same parts give the same token. Throws UnknownKeyError. */
export function formatRefreshToken(ring: KeyRing, parts: RefreshTokenParts): string {
  const { kid, sessionId, counter } = parts;
  return `v1.${kid}.${sessionId}.${counter}.${encode(ring.mac("refresh", signedText(parts), kid))}`;
}

/** Null for everything that `formatRefreshToken` doesn't write. The MAC is not checked yet. */
export function parseRefreshToken(text: string): ParsedRefreshToken | null {
  const [, kid, sessionId, counterText, macText] = tokenForm.exec(text) ?? [];
  if (!kid || !isUuid(sessionId) || !counterText || !macText) return null;
  const counter = Number(counterText);
  const mac = decodeCanonical(macText);
  return mac && Number.isSafeInteger(counter) ? { kid, sessionId, counter, mac } : null;
}

/**
 * Did we make this token for that session? Constant time. The key id of a token is a stranger's word: one that the
 * ring lacks is no match; only if the session's own row names it too is it an UnknownKeyError.
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
