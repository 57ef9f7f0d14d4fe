import type { IncomingMessage } from "node:http";
import { readCookie } from "../http/read-cookie.ts";
import { CSRF_COOKIE, type CsrfGuard } from "./csrf.ts";

/** Sessions whose tokens a browser keeps in cookies. */
export interface SessionCookies {
  readonly csrf: CsrfGuard;
  accessToken(request: IncomingMessage): string | undefined;
  refreshToken(request: IncomingMessage): string | undefined;
  /** Headers that store the tokens, names and values in turn. */
  set(tokens: SessionTokens): string[];
  /** Headers that remove them. */
  clear(): string[];
}

export interface SessionTokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
  readonly refresh_expires_in: number;
  readonly session_id: string;
}

export function createSessionCookies(publicUrl: string, csrf: CsrfGuard): SessionCookies {
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
    accessToken: (request) => readCookie(request, access),
    refreshToken: (request) => readCookie(request, refresh),
    set: ({ access_token, refresh_token, expires_in, refresh_expires_in, session_id }) => [
      ...header(access, access_token, expires_in),
      ...header(refresh, refresh_token, refresh_expires_in),
      ...header(CSRF_COOKIE, csrf.token(session_id), refresh_expires_in),
    ],
    clear: () => [access, refresh, CSRF_COOKIE].flatMap((name) => header(name, "", 0)),
  };
}
