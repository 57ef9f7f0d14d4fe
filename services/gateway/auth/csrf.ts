import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { AppError } from "../../../lib/actions/errors.ts";
import type { Config } from "../../../lib/config/config.ts";
import type { KeyRing } from "../../../lib/crypto/key-ring.ts";
import { readCookie } from "../http/read-cookie.ts";

/** Refuses requests that another site makes the browser send with its session cookies. All failures are 403 `csrf_failed`. */
export interface CsrfGuard {
  /** Requires a safe method, or an allowed origin and the session's token in both header and cookie. */
  assertNotForged(request: IncomingMessage, sessionId: string): void;
  assertAllowedOrigin(request: IncomingMessage): void;
  /** An HMAC of the session id. */
  token(sessionId: string): string;
}

export const CSRF_COOKIE = "csrf_token";
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

export function createCsrfGuard({ http: { publicUrl, allowedOrigins } }: Config, ring: KeyRing): CsrfGuard {
  const origins = new Set([new URL(publicUrl).origin, ...allowedOrigins.filter((one) => one !== "*")]);

  // Browsers send the origin of every unsafe request. A request without one still needs the token.
  const assertAllowedOrigin = ({ headers: { origin, host } }: IncomingMessage): void => {
    if (origin === undefined || origins.has(origin) || isOriginOf(origin, host)) return;
    throw new AppError("csrf_failed", { message: "Requests from this origin may not use session cookies." });
  };
  const isTokenOf = (sessionId: string, sent: string): boolean =>
    ring.macAll("csrf", sessionId).some(({ mac }) => isSame(mac, sent));
  return {
    assertNotForged(request, sessionId) {
      if (SAFE_METHODS.has(request.method ?? "")) return;
      assertAllowedOrigin(request);
      const sent = request.headers["x-csrf-token"];
      const cookie = readCookie(request, CSRF_COOKIE) ?? "";
      if (typeof sent !== "string" || !isSame(cookie, sent) || !isTokenOf(sessionId, sent))
        throw new AppError("csrf_failed");
    },
    assertAllowedOrigin,
    token: (sessionId) => ring.mac("csrf", sessionId).toString("base64url"),
  };
}

function isOriginOf(origin: string, host: string | undefined): boolean {
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}

function isSame(left: string, right: string): boolean {
  const [one, other] = [Buffer.from(left), Buffer.from(right)];
  return one.length === other.length && timingSafeEqual(one, other);
}
