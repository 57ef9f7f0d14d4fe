import type { IncomingMessage } from "node:http";
import { type AnonymousCaller, type Caller, DEFAULT_TENANT, type ServiceCaller } from "../../../lib/actions/caller.ts";
import { AppError, fieldError } from "../../../lib/actions/errors.ts";
import { TenantSlug } from "../../../lib/actions/schemas.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";
import type { ApiRoute } from "../routes.ts";
import type { AccessClaims, AccessTokens, CheckedToken } from "./access-token.ts";
import type { SessionCookies } from "./session-cookies.ts";

/** Why a token that is good by itself may not pass now. */
export type LeaseRefusal = "session_ended" | "token_stale" | "no_lease";

export interface Authentication {
  readonly caller: Caller;
  /** Throws what has become of the token since: to be asked when the call is sent, with no await in between. */
  recheck(): void;
  /** Set where a token was sent that is not good, on a route that can do without. */
  readonly error?: AppError;
}

export interface AuthenticationDeps {
  readonly tokens: AccessTokens;
  readonly clock: Clock;
  readonly cookies: SessionCookies;
  leaseRefusal(claims: AccessClaims): LeaseRefusal | null;
  /** Of a foreign service that shows its secret; 401 for any other. */
  serviceOf(header: string): ServiceCaller;
}

/** Door 401: who asks? */
export function authenticate(
  deps: AuthenticationDeps,
  route: ApiRoute,
  request: IncomingMessage,
): Authentication | Promise<Authentication> {
  if (route.auth === "public") return asAnonymous(request);
  const header = request.headers.authorization;
  if (route.auth === "service" && header !== undefined && /^basic /i.test(header))
    return { caller: deps.serviceOf(header), recheck: nothingToRecheck };
  const check = header === undefined ? byCookie(deps, request) : () => byToken(deps, bearerOf(header));
  if (route.auth === "optional") return check ? ifGood(request, check) : asAnonymous(request);
  if (!check) throw new AppError("token_missing");
  return check();
}

/** A header comes before cookies: what a page sends by its own hand is no forgery. */
function byCookie(deps: AuthenticationDeps, request: IncomingMessage): (() => Promise<Authentication>) | null {
  const token = deps.cookies.accessToken(request);
  if (token === undefined) return null;
  return async () => {
    const checked = await deps.tokens.check(token);
    deps.cookies.assertNotForged(request, checked.claims.sid);
    return asUser(deps, checked);
  };
}

function byToken(deps: AuthenticationDeps, token: string): Authentication | Promise<Authentication> {
  const checked = deps.tokens.check(token);
  return checked instanceof Promise ? checked.then((one) => asUser(deps, one)) : asUser(deps, checked);
}

/** Whoever signs out with an expired access token still has his refresh token to show. */
async function ifGood(
  request: IncomingMessage,
  check: () => Authentication | Promise<Authentication>,
): Promise<Authentication> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof AppError && error.status === 401) return { ...asAnonymous(request), error: error };
    throw error;
  }
}

function bearerOf(header: string): string {
  if (header.length > 7 && header.slice(0, 7).toLowerCase() === "bearer ") return header.slice(7).trim();
  throw new AppError(/^bearer\s*$/i.test(header) ? "token_missing" : "token_invalid");
}

function asUser(deps: AuthenticationDeps, { claims, caller }: CheckedToken): Authentication {
  const recheck = (): void =>
    refuse(deps.clock.now().getTime() < caller.expires_at ? deps.leaseRefusal(claims) : "token_expired");
  recheck();
  return { caller, recheck };
}

function refuse(refusal: LeaseRefusal | "token_expired" | null): void {
  if (refusal === null) return;
  if (refusal === "no_lease") throw new AppError("service_unavailable", { retry_after: 1 });
  throw new AppError(refusal);
}

const nothingToRecheck = (): void => undefined;
const anonymous: AnonymousCaller = { kind: "anonymous", tenant: DEFAULT_TENANT };

function asAnonymous(request: IncomingMessage): Authentication {
  const named = request.headers["x-tenant"];
  if (named === undefined) return { caller: anonymous, recheck: nothingToRecheck };
  const slug = TenantSlug.safeParse(named);
  if (!slug.success) throw fieldError("X-Tenant", "unknown_tenant", "is not a known tenant");
  return { caller: { kind: "anonymous", tenant: slug.data }, recheck: nothingToRecheck };
}
