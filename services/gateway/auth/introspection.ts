import { AppError, isError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { parseRefreshToken } from "../../../lib/crypto/refresh-token.ts";
import type { AccessTokens, VerifiedToken } from "./access-token.ts";
import type { AuthenticationDeps } from "./authenticate.ts";

type Params = Actions["gateway.introspect"]["params"];
type Result = Actions["gateway.introspect"]["result"];

interface Deps {
  readonly tokens: AccessTokens;
  readonly checkLease: AuthenticationDeps["checkLease"];
  readonly issuer: string;
}

const INACTIVE = { active: false } as const;

/** Token introspection (RFC 7662). A token that is invalid, expired or revoked is inactive. */
export async function introspect(deps: Deps, { params, call }: ActionContext<Params>): Promise<Result> {
  if (parseRefreshToken(params.token)) return describeRefreshToken(deps, params.token, call);
  const verified = await verifyOrNull(deps.tokens, params.token);
  if (!verified) return INACTIVE;
  const error = deps.checkLease(verified.claims);
  if (error === "no_lease") throw new AppError("service_unavailable", { retry_after: 1 });
  return error === null ? describeAccessToken(deps.issuer, verified) : INACTIVE;
}

async function verifyOrNull(tokens: AccessTokens, token: string): Promise<VerifiedToken | null> {
  try {
    return await tokens.verify(token);
  } catch (error) {
    if (isError(error, "token_invalid", "token_expired")) return null;
    throw error;
  }
}

function describeAccessToken(issuer: string, { claims }: VerifiedToken): Result {
  return {
    active: true,
    token_type: "Bearer",
    sub: claims.sub,
    iss: issuer,
    aud: issuer,
    exp: claims.exp,
    iat: claims.iat,
    jti: claims.jti,
    scope: claims.permissions.join(" "),
    sid: claims.sid,
    tid: claims.tid,
    roles: claims.roles,
    tier: claims.tier,
  };
}

async function describeRefreshToken({ issuer }: Deps, token: string, call: ActionContext["call"]): Promise<Result> {
  const session = await call("sessions.inspect", { refresh_token: token });
  if (!session) return INACTIVE;
  const { user_id, tenant_id, session_id, iat, exp } = session;
  return {
    active: true,
    token_type: "refresh_token",
    sub: user_id,
    iss: issuer,
    exp,
    iat,
    sid: session_id,
    tid: tenant_id,
  };
}
