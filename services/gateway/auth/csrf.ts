import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { AppError } from "../../../lib/actions/errors.ts";
import type { Config } from "../../../lib/config/config.ts";
import type { KeyRing } from "../../../lib/crypto/key-ring.ts";
import { readCookie } from "../http/headers.ts";

const CSRF_COOKIE = "csrf_token";

export function csrfCookieName(publicUrl: string): string {
  return publicUrl.startsWith("https:") ? `__Host-${CSRF_COOKIE}` : CSRF_COOKIE;
}
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

export type CsrfGuard = ReturnType<typeof createCsrfGuard>;

/**
 * Refuses requests that another site makes the browser send with its session cookies: 403 `csrf_failed`. The token is an
 * HMAC of the session id, so that it needs no storage and is not valid in another session.
 */
export function createCsrfGuard({ http: { publicUrl, allowedOrigins } }: Config, ring: KeyRing) {
  // __Host- cookies can only be set by this host over https, and not by a sibling domain (RFC 6265bis 4.1.3.2).
  const cookieName = csrfCookieName(publicUrl);
  const origins = new Set([new URL(publicUrl).origin, ...allowedOrigins.filter((one) => one !== "*")]);

  // Browsers send the origin of every unsafe request. A request without one still needs the token.
  const assertAllowedOrigin = ({ headers: { origin, host } }: IncomingMessage): void => {
    if (origin === undefined || origins.has(origin) || isOriginOf(origin, host)) return;
    throw new AppError("csrf_failed", { message: "Requests from this origin may not use session cookies." });
  };
  const isTokenOf = (sessionId: string, sent: string): boolean =>
    ring.macAll("csrf", sessionId).some(({ mac }) => isSame(mac, sent));
  return {
    cookieName,
    token: (sessionId: string): string => ring.mac("csrf", sessionId).toString("base64url"),
    assertAllowedOrigin,
    /** Requires a safe method, or an allowed origin and the session's token in both header and cookie. */
    assertNotForged(request: IncomingMessage, sessionId: string): void {
      if (SAFE_METHODS.has(request.method ?? "")) return;
      assertAllowedOrigin(request);
      const sent = request.headers["x-csrf-token"];
      const cookie = readCookie(request, cookieName) ?? "";
      if (typeof sent !== "string" || !isSame(cookie, sent) || !isTokenOf(sessionId, sent))
        throw new AppError("csrf_failed");
    },
  };
}

function isOriginOf(origin: string, host: string | undefined): boolean {
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}

function isSame(left: string, right: string): boolean {
  const [one, other] = [Buffer.from(left), Buffer.from(right)];
  return one.length === other.length && timingSafeEqual(one, other);
}
