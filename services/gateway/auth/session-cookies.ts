import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { AppError } from "../../../lib/actions/errors.ts";
import type { Config } from "../../../lib/config/config.ts";
import type { KeyRing } from "../../../lib/crypto/key-ring.ts";
import { parseRefreshToken } from "../../../lib/crypto/refresh-token.ts";

/** A session that a browser keeps in cookies, which it sends along whoever asks it to. */
export interface SessionCookies {
  accessToken(request: IncomingMessage): string | undefined;
  refreshToken(request: IncomingMessage): string | undefined;
  /** 403 `csrf_failed` unless a safe method, or a page of ours that knows the session's CSRF token, sends the request. */
  assertNotForged(request: IncomingMessage, sessionId: string): void;
  /** The same for a request that has nothing but a refresh cookie. */
  assertRefreshNotForged(request: IncomingMessage, refreshToken: string): void;
  assertOwnOrigin(request: IncomingMessage): void;
  csrfToken(sessionId: string): string;
  /** Header lines that keep the session, names and values in turn. */
  set(tokens: SessionTokens): string[];
  /** Header lines that end it. */
  clear(): string[];
}

export interface SessionTokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
  readonly refresh_expires_in: number;
  readonly session_id: string;
}

const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);
const CSRF = "csrf_token";

export function createSessionCookies(config: Config, ring: KeyRing): SessionCookies {
  const { publicUrl, allowedOrigins } = config.http;
  const isHttps = publicUrl.startsWith("https:");
  // __Host-: from this very host, over https, for all of it; a sibling domain can't plant one (RFC 6265bis 4.1.3.2).
  const prefix = isHttps ? "__Host-" : "";
  const [access, refresh] = [`${prefix}access_token`, `${prefix}refresh_token`];
  const attributes = `Path=/; SameSite=Lax${isHttps ? "; Secure" : ""}`;
  const line = (name: string, value: string, seconds: number, more = ""): string[] => [
    "Set-Cookie",
    `${name}=${value}; Max-Age=${seconds}; ${attributes}${more}`,
  ];
  const origins = new Set([new URL(publicUrl).origin, ...allowedOrigins.filter((one) => one !== "*")]);
  const csrfToken = (sessionId: string): string => ring.mac("csrf", sessionId).toString("base64url");

  /** Browsers name the origin of every unsafe request; who names none is no browser, and still needs the token. */
  const refuseForeignOrigin = ({ headers }: IncomingMessage): void => {
    const { origin, host } = headers;
    if (origin === undefined || origins.has(origin) || isOriginOf(origin, host)) return;
    throw new AppError("csrf_failed", { message: "Requests from this origin may not use session cookies." });
  };
  const refuseForgery = (request: IncomingMessage, sessionId: string): void => {
    if (SAFE.has(request.method ?? "")) return;
    refuseForeignOrigin(request);
    const sent = request.headers["x-csrf-token"];
    const isOurs = (text: string) => ring.macAll("csrf", sessionId).some(({ mac }) => isSame(mac, text));
    if (typeof sent !== "string" || !isSame(cookieOf(request, CSRF) ?? "", sent) || !isOurs(sent))
      throw new AppError("csrf_failed");
  };
  return {
    accessToken: (request) => cookieOf(request, access),
    refreshToken: (request) => cookieOf(request, refresh),
    assertNotForged: refuseForgery,
    assertRefreshNotForged(request, refreshToken) {
      const token = parseRefreshToken(refreshToken);
      if (token) refuseForgery(request, token.sessionId);
    },
    assertOwnOrigin: refuseForeignOrigin,
    csrfToken,
    set: ({ access_token, refresh_token, expires_in, refresh_expires_in, session_id }) => [
      ...line(access, access_token, expires_in, "; HttpOnly"),
      ...line(refresh, refresh_token, refresh_expires_in, "; HttpOnly"),
      ...line(CSRF, csrfToken(session_id), refresh_expires_in),
    ],
    clear: () => [...line(access, "", 0, "; HttpOnly"), ...line(refresh, "", 0, "; HttpOnly"), ...line(CSRF, "", 0)],
  };
}

/** The first of a name counts: browsers send the one of the longest path first, and ours are all for `/`. */
function cookieOf({ headers }: IncomingMessage, name: string): string | undefined {
  if (headers.cookie === undefined) return undefined;
  for (const pair of headers.cookie.split(";")) {
    const at = pair.indexOf("=");
    if (at !== -1 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim() || undefined;
  }
  return undefined;
}

function isOriginOf(origin: string, host: string | undefined): boolean {
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}

function isSame(left: string, right: string): boolean {
  const [one, other] = [Buffer.from(left), Buffer.from(right)];
  return one.length === other.length && timingSafeEqual(one, other);
}
