import type { IncomingMessage } from "node:http";
import { parseCookie } from "cookie";
import type { Logger } from "pino";
import { AppError } from "../../../lib/actions/errors.ts";
import type { Config } from "../../../lib/config/config.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";
import { createFailureLog } from "../../../lib/runtime/failure-log.ts";

const API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const EXPOSED_HEADERS =
  "X-Correlation-ID, RateLimit, RateLimit-Policy, Retry-After, Idempotency-Replayed, WWW-Authenticate, ETag";
const ALLOWED_HEADERS =
  "Authorization, Content-Type, Idempotency-Key, If-Match, X-Correlation-ID, X-Request-ID, X-Tenant, X-CSRF-Token";

/** Security and cache headers of every response, as `writeHead` takes them. */
export function createSecurityHeaders({ publicUrl }: Pick<Config["http"], "publicUrl">) {
  const fixed = ["X-Content-Type-Options", "nosniff", "Referrer-Policy", "no-referrer", "X-Frame-Options", "DENY"];
  if (publicUrl.startsWith("https:")) fixed.push("Strict-Transport-Security", "max-age=31536000; includeSubDomains");
  const build = (csp = API_POLICY, cacheControl = "no-store"): readonly string[] =>
    fixed.concat("Content-Security-Policy", csp, "Cache-Control", cacheControl);
  const standard = build();
  return (csp?: string, cacheControl?: string) =>
    csp === undefined && cacheControl === undefined ? standard : build(csp, cacheControl);
}

export type Cors = ReturnType<typeof createCors>;

interface CorsDeps {
  readonly config: { readonly environment: string; readonly http: Pick<Config["http"], "allowedOrigins"> };
  readonly log: Logger;
  readonly clock: Pick<Clock, "monotonic">;
}

/** Allows the exact origins of ALLOWED_ORIGINS, with credentials; `*` allows all others without credentials. */
export function createCors({ config, log, clock }: CorsDeps) {
  const { allowedOrigins } = config.http;
  const refusals = createFailureLog(log, clock);
  const allowed = new Set(allowedOrigins);
  const allowsAny = allowed.has("*");
  const originHeaders = ({ headers: { origin } }: IncomingMessage): readonly string[] => {
    if (origin !== undefined && allowed.has(origin))
      return ["Access-Control-Allow-Origin", origin, "Access-Control-Allow-Credentials", "true", "Vary", "Origin"];
    if (allowsAny) return origin === undefined ? [] : ["Access-Control-Allow-Origin", "*"];
    return allowed.size === 0 ? [] : ["Vary", "Origin"];
  };
  /** Adds further headers for an origin that is allowed. */
  const withPermission = (request: IncomingMessage, ...more: string[]): readonly string[] => {
    const headers = originHeaders(request);
    return headers[0] === "Access-Control-Allow-Origin" ? [...headers, ...more] : headers;
  };
  /** Logs which setting allows the origin, because the CORS error that the browser shows to developers does not say it. */
  const explainRefusal = ({ headers: { origin = "" } }: IncomingMessage): void => {
    if (config.environment !== "development" || allowed.has(origin) || allowsAny) return;
    refusals.warn(
      origin,
      { origin },
      "refused a page of another origin; to allow it, add the origin to ALLOWED_ORIGINS",
    );
  };
  return {
    headersFor: (request: IncomingMessage) => withPermission(request, "Access-Control-Expose-Headers", EXPOSED_HEADERS),
    /** For a preflight request; `allow` lists the path's methods. */
    preflightFor(request: IncomingMessage, allow: string): readonly string[] {
      explainRefusal(request);
      return withPermission(
        request,
        ...["Access-Control-Allow-Methods", allow],
        ...["Access-Control-Allow-Headers", ALLOWED_HEADERS],
        ...["Access-Control-Max-Age", "600"],
      );
    },
  };
}

/** `X-Correlation-ID`, or else `X-Request-ID`, if it is safe in headers, logs and mails; else null. */
export function readCorrelationId({ headers }: IncomingMessage): string | null {
  const sent = [headers["x-correlation-id"], headers["x-request-id"]];
  const safe = sent.find((value) => typeof value === "string" && /^[A-Za-z0-9._:-]{1,128}$/.test(value));
  return typeof safe === "string" ? safe : null;
}

/** The first cookie of that name, undefined if it is missing or empty. Our values need no decoding. */
export function readCookie({ headers }: IncomingMessage, name: string): string | undefined {
  if (headers.cookie === undefined) return undefined;
  return parseCookie(headers.cookie, { decode: (value) => value })[name] || undefined;
}

/**
 * Throws 400 for any coding but `chunked`: Node reads `identity, chunked`, and a proxy in front that does not sees another
 * end of the body (RFC 9112 section 6.1).
 */
export function assertPlainTransfer({ headers }: IncomingMessage): void {
  const coding = headers["transfer-encoding"];
  if (coding === undefined || coding.toLowerCase() === "chunked") return;
  throw new AppError("bad_request", { message: "The request has an unsupported Transfer-Encoding." });
}

/** Throws 400 for a second `Host` header (RFC 9112 section 3.2): a proxy in front may have used the other one. */
export function assertSingleHost({ rawHeaders }: IncomingMessage): void {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length === 4 && name.toLowerCase() === "host") hosts += 1;
  }
  if (hosts > 1) throw new AppError("bad_request", { message: "The request has more than one Host header." });
}
