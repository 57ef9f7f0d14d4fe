import type { IncomingMessage } from "node:http";
import { readCookie } from "../http/headers.ts";
import { CSRF_COOKIE, type CsrfGuard } from "./csrf.ts";

export interface SessionTokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
  readonly refresh_expires_in: number;
  readonly session_id: string;
}

export type SessionCookies = ReturnType<typeof createSessionCookies>;

/** The cookies of a session whose tokens a browser keeps. `set` and `clear` return headers: names and values in turn. */
export function createSessionCookies(publicUrl: string, csrf: CsrfGuard) {
  const secure = publicUrl.startsWith("https:");
  // __Host- cookies can only be set by this host over https, and not by a sibling domain (RFC 6265bis 4.1.3.2).
  const prefix = secure ? "__Host-" : "";
  const [access, refresh] = [`${prefix}access_token`, `${prefix}refresh_token`];
  const attributes = `Path=/; SameSite=Lax${secure ? "; Secure" : ""}`;
  const header = (name: string, value: string, seconds: number): string[] => {
    const httpOnly = name === CSRF_COOKIE ? "" : "; HttpOnly";
    return ["Set-Cookie", `${name}=${value}; Max-Age=${seconds}; ${attributes}${httpOnly}`];
  };
  return {
    csrf,
    accessToken: (request: IncomingMessage) => readCookie(request, access),
    refreshToken: (request: IncomingMessage) => readCookie(request, refresh),
    set: (tokens: SessionTokens): string[] => [
      ...header(access, tokens.access_token, tokens.expires_in),
      ...header(refresh, tokens.refresh_token, tokens.refresh_expires_in),
      ...header(CSRF_COOKIE, csrf.token(tokens.session_id), tokens.refresh_expires_in),
    ],
    clear: (): string[] => [access, refresh, CSRF_COOKIE].flatMap((name) => header(name, "", 0)),
  };
}
