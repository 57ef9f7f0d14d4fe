import type { IncomingMessage } from "node:http";
import { decodeJwt } from "jose";
import type { Config } from "../../../lib/config/config.ts";
import { addDeviceToken } from "../../../lib/crypto/device-token.ts";
import { readCookie } from "../http/headers.ts";
import type { CsrfGuard } from "./csrf.ts";

export interface SessionTokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
  readonly refresh_expires_in: number;
  readonly session_id: string;
  /** From a sign-in, but not from a refresh. */
  readonly device_token?: string;
}

const DEVICE_SECONDS = 400 * 86_400;

export type SessionCookies = ReturnType<typeof createSessionCookies>;

/**
 * The cookies of a session whose tokens a browser keeps. `set` and `clear` return headers: names and values in turn. For
 * pages of other sites they are `SameSite=None`, and `Partitioned` (CHIPS): a cookie set on one site's pages is not sent
 * from another's, and browsers that block third-party cookies accept it. The CSRF token and the allowed origins protect
 * them in either case.
 */
export function createSessionCookies(
  { publicUrl, cookieSameSite }: Pick<Config["http"], "publicUrl" | "cookieSameSite">,
  csrf: CsrfGuard,
) {
  const secure = publicUrl.startsWith("https:");
  // __Host- cookies can only be set by this host over https, and not by a sibling domain (RFC 6265bis 4.1.3.2).
  const prefix = secure ? "__Host-" : "";
  const [access, refresh, device] = [`${prefix}access_token`, `${prefix}refresh_token`, `${prefix}device_token`];
  const tenant = `${prefix}tenant`;
  const sameSite = cookieSameSite === "none" ? "SameSite=None; Secure; Partitioned" : "SameSite=Lax";
  const attributes = `Path=/; ${sameSite}${secure && cookieSameSite === "lax" ? "; Secure" : ""}`;
  const header = (name: string, value: string, seconds: number): string[] => {
    const httpOnly = name === csrf.cookieName ? "" : "; HttpOnly";
    return ["Set-Cookie", `${name}=${value}; Max-Age=${seconds}; ${attributes}${httpOnly}`];
  };
  return {
    csrf,
    accessToken: (request: IncomingMessage) => readCookie(request, access),
    refreshToken: (request: IncomingMessage) => readCookie(request, refresh),
    deviceToken: (request: IncomingMessage) => readCookie(request, device),
    set: (request: IncomingMessage, tokens: SessionTokens): string[] => [
      ...header(access, tokens.access_token, tokens.expires_in),
      ...header(refresh, tokens.refresh_token, tokens.refresh_expires_in),
      ...header(csrf.cookieName, csrf.token(tokens.session_id), tokens.refresh_expires_in),
      ...header(tenant, String(decodeJwt(tokens.access_token).tid), tokens.refresh_expires_in),
      ...(tokens.device_token === undefined
        ? []
        : header(device, addDeviceToken(readCookie(request, device) ?? "", tokens.device_token), DEVICE_SECONDS)),
    ],
    /** The tenant whose brand the pages show. It is not signed, because a changed value changes nothing but the brand. */
    tenantId: (request: IncomingMessage) => readCookie(request, tenant),
    /** The device stays known after signing out. */
    clear: (): string[] => [access, refresh, csrf.cookieName, tenant].flatMap((name) => header(name, "", 0)),
  };
}
