import type { IncomingMessage } from "node:http";
import type { Config } from "../../../lib/config/config.ts";

const API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const EXPOSED = "X-Correlation-ID, RateLimit, RateLimit-Policy, Retry-After, Idempotency-Replayed, WWW-Authenticate";
const ALLOWED = "Authorization, Content-Type, Idempotency-Key, X-Correlation-ID, X-Request-ID, X-Tenant, X-CSRF-Token";

/** Security and cache headers of every response, as `writeHead` takes them. */
export function createSecurityHeaders(
  config: Pick<Config, "http">,
): (csp?: string, cacheControl?: string) => readonly string[] {
  const fixed = ["X-Content-Type-Options", "nosniff", "Referrer-Policy", "no-referrer", "X-Frame-Options", "DENY"];
  if (config.http.publicUrl.startsWith("https:")) {
    fixed.push("Strict-Transport-Security", "max-age=31536000; includeSubDomains");
  }
  const build = (csp = API_POLICY, cacheControl = "no-store"): string[] => [
    ...fixed,
    "Content-Security-Policy",
    csp,
    "Cache-Control",
    cacheControl,
  ];
  const standard = build();
  return (csp, cacheControl) => (csp === undefined && cacheControl === undefined ? standard : build(csp, cacheControl));
}

export interface Cors {
  /** Headers that let a browser read the response; no permission for an origin that is not allowed. */
  headersFor(request: IncomingMessage): readonly string[];
  /** The same for a preflight request; `allow` lists the path's methods. */
  preflightFor(request: IncomingMessage, allow: string): readonly string[];
}

const VARY = ["Vary", "Origin"] as const;

/** Allows the exact origins of ALLOWED_ORIGINS, with credentials; `*` allows all others without. */
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
      const permissions = [
        "Access-Control-Allow-Methods",
        allow,
        "Access-Control-Allow-Headers",
        ALLOWED,
        "Access-Control-Max-Age",
        "600",
      ];
      return [...headers, ...permissions];
    },
  };
}

/** `X-Correlation-ID`, or else `X-Request-ID`, if it is safe in headers, logs and mails; else null. */
export function readCorrelationId({ headers }: IncomingMessage): string | null {
  return safeId(headers["x-correlation-id"]) ?? safeId(headers["x-request-id"]);
}

function safeId(value: string | string[] | undefined): string | null {
  return typeof value === "string" && /^[A-Za-z0-9._:-]{1,128}$/.test(value) ? value : null;
}
