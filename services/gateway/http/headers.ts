import type { IncomingMessage } from "node:http";
import type { Config } from "../../../lib/config/config.ts";

const API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const EXPOSED = "X-Correlation-ID, RateLimit, RateLimit-Policy, Retry-After, Idempotency-Replayed, WWW-Authenticate";
const ALLOWED = "Authorization, Content-Type, Idempotency-Key, X-Correlation-ID, X-Request-ID, X-Tenant, X-CSRF-Token";

/** The lines that every answer has, as `writeHead` takes them. */
export function createSecurityHeaders(config: Pick<Config, "http">): (policy?: string, cache?: string) => string[] {
  const fixed = ["X-Content-Type-Options", "nosniff", "Referrer-Policy", "no-referrer", "X-Frame-Options", "DENY"];
  if (config.http.publicUrl.startsWith("https:")) {
    fixed.push("Strict-Transport-Security", "max-age=31536000; includeSubDomains");
  }
  return (policy = API_POLICY, cache = "no-store") => [
    ...fixed,
    "Content-Security-Policy",
    policy,
    "Cache-Control",
    cache,
  ];
}

export interface Cors {
  /** What a browser must read beside the answer; empty for an origin that is not ours. */
  headersFor(request: IncomingMessage): readonly string[];
  /** The same for its question before the request. */
  preflightFor(request: IncomingMessage, allow: string): readonly string[];
}

const VARY = ["Vary", "Origin"] as const;

/** An origin is allowed when it stands in the list letter by letter; none is ever sent back because it asked. */
export function createCors(config: Config): Cors {
  const allowed = new Set(config.http.allowedOrigins);
  if (allowed.size === 0) return { headersFor: () => [], preflightFor: () => [] };
  const headersFor = (request: IncomingMessage): readonly string[] => {
    const origin = request.headers.origin;
    if (origin === undefined) return allowed.has("*") ? [] : VARY;
    if (allowed.has(origin))
      return ["Access-Control-Allow-Origin", origin, "Access-Control-Allow-Credentials", "true", ...VARY];
    return allowed.has("*") ? ["Access-Control-Allow-Origin", "*"] : VARY;
  };
  return {
    headersFor(request) {
      const headers = headersFor(request);
      return headers.length > VARY.length || headers[1] === "*"
        ? [...headers, "Access-Control-Expose-Headers", EXPOSED]
        : headers;
    },
    preflightFor(request, allow) {
      const headers = headersFor(request);
      if (!headers.includes("Access-Control-Allow-Origin")) return headers;
      const answers = [
        "Access-Control-Allow-Methods",
        allow,
        "Access-Control-Allow-Headers",
        ALLOWED,
        "Access-Control-Max-Age",
        "600",
      ];
      return [...headers, ...answers];
    },
  };
}

/** `X-Correlation-ID`, or else `X-Request-ID`, if it is fit to stand in headers, logs and mails; else null. */
export function correlationIdOf({ headers }: IncomingMessage): string | null {
  return accepted(headers["x-correlation-id"]) ?? accepted(headers["x-request-id"]);
}

function accepted(value: string | string[] | undefined): string | null {
  return typeof value === "string" && /^[A-Za-z0-9._:-]{1,128}$/.test(value) ? value : null;
}
