import type { IncomingMessage } from "node:http";
import { type AnonymousCaller, type Caller, DEFAULT_TENANT, type ServiceCaller } from "../../../lib/actions/caller.ts";
import { AppError, fieldError } from "../../../lib/actions/errors.ts";
import { TenantSlug } from "../../../lib/actions/schemas.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";
import type { GuardedRoute } from "../routes.types.ts";
import type { AccessClaims, AccessTokens, VerifiedToken } from "./access-token.ts";
import type { SessionCookies } from "./session-cookies.ts";

/** Why a valid token is refused: it is revoked or outdated, or this node cannot tell, because it has no lease. */
export type LeaseError = "session_ended" | "token_stale" | "no_lease";

export interface Authentication {
  readonly caller: Caller;
  /** Throws if the token has expired or been revoked. Call it right before the action, with no await between. */
  recheck(): void;
  /** Why the token was refused, on a route that works without one. */
  readonly error?: AppError;
}

export interface AuthenticationDeps {
  readonly tokens: AccessTokens;
  readonly clock: Clock;
  readonly cookies: SessionCookies;
  checkLease(claims: AccessClaims): LeaseError | null;
  /** Throws 401 for unknown credentials, 429 for many of them from one address. */
  authenticateService(authorization: string, clientIp: string): ServiceCaller;
}

/** Determines the caller from the Authorization header, or else the session cookies. Fails with 401. */
export function authenticate(
  deps: AuthenticationDeps,
  { auth }: Pick<GuardedRoute, "auth">,
  request: IncomingMessage,
  clientIp: string,
): Authentication | Promise<Authentication> {
  if (auth === "public") return anonymous(request);
  const { authorization } = request.headers;
  if (auth === "service" && authorization !== undefined && /^basic /i.test(authorization))
    return { caller: deps.authenticateService(authorization, clientIp), recheck: nothingToRecheck };
  // A function, so that `orAnonymous` can catch what it throws; null without a token.
  const verify = authorization === undefined ? byCookie(deps, request) : () => byToken(deps, readBearer(authorization));
  if (auth === "optional") return verify ? orAnonymous(request, verify) : anonymous(request);
  if (!verify) throw new AppError("token_missing");
  return verify();
}

/** Only cookies need CSRF protection: browsers do not add the Authorization header to requests of other sites. */
function byCookie(deps: AuthenticationDeps, request: IncomingMessage): (() => Promise<Authentication>) | null {
  const token = deps.cookies.accessToken(request);
  if (token === undefined) return null;
  return async () => {
    const verified = await deps.tokens.verify(token);
    deps.cookies.csrf.assertNotForged(request, verified.claims.sid);
    return asUser(deps, verified);
  };
}

function byToken(deps: AuthenticationDeps, token: string): Authentication | Promise<Authentication> {
  const verified = deps.tokens.verify(token);
  return verified instanceof Promise ? verified.then((one) => asUser(deps, one)) : asUser(deps, verified);
}

/** Keeps the error, because a body field may replace the token: a refresh token is enough to sign out. */
async function orAnonymous(
  request: IncomingMessage,
  verify: () => Authentication | Promise<Authentication>,
): Promise<Authentication> {
  try {
    return await verify();
  } catch (error) {
    if (error instanceof AppError && error.status === 401) return { ...anonymous(request), error };
    throw error;
  }
}

function readBearer(authorization: string): string {
  if (authorization.length > 7 && authorization.slice(0, 7).toLowerCase() === "bearer ")
    return authorization.slice(7).trim();
  throw new AppError(/^bearer\s*$/i.test(authorization) ? "token_missing" : "token_invalid");
}

function asUser(deps: AuthenticationDeps, { claims, caller }: VerifiedToken): Authentication {
  const recheck = (): void => {
    if (deps.clock.now().getTime() >= caller.expires_at) throw new AppError("token_expired");
    const error = deps.checkLease(claims);
    if (error === "no_lease") throw new AppError("service_unavailable", { retry_after: 1 });
    if (error !== null) throw new AppError(error);
  };
  recheck();
  return { caller, recheck };
}

const nothingToRecheck = (): void => undefined;
const inDefaultTenant: AnonymousCaller = { kind: "anonymous", tenant: DEFAULT_TENANT };

function anonymous({ headers }: IncomingMessage): Authentication {
  const named = headers["x-tenant"];
  if (named === undefined) return { caller: inDefaultTenant, recheck: nothingToRecheck };
  const slug = TenantSlug.safeParse(named);
  if (!slug.success) throw fieldError("X-Tenant", "unknown_tenant", "is not a known tenant");
  return { caller: { kind: "anonymous", tenant: slug.data }, recheck: nothingToRecheck };
}
