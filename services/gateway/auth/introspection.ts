import { AppError, isError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { parseRefreshToken } from "../../../lib/crypto/refresh-token.ts";
import type { AccessTokens, CheckedToken } from "./access-token.ts";
import type { AuthenticationDeps } from "./authenticate.ts";

type Params = Actions["gateway.introspect"]["params"];
type Result = Actions["gateway.introspect"]["result"];

interface Deps {
  readonly tokens: AccessTokens;
  readonly leaseRefusal: AuthenticationDeps["leaseRefusal"];
  readonly issuer: string;
}

const INACTIVE = { active: false } as const;

/** RFC 7662: is this token good, now and everywhere? What is not ours, or not any more, is just not active. */
export async function introspect(deps: Deps, { params, call }: ActionContext<Params>): Promise<Result> {
  if (parseRefreshToken(params.token)) return ofRefreshToken(deps, params.token, call);
  const checked = await checkedToken(deps.tokens, params.token);
  if (!checked) return INACTIVE;
  const refusal = deps.leaseRefusal(checked.claims);
  if (refusal === "no_lease") throw new AppError("service_unavailable", { retry_after: 1 });
  return refusal === null ? ofAccessToken(deps.issuer, checked) : INACTIVE;
}

async function checkedToken(tokens: AccessTokens, token: string): Promise<CheckedToken | null> {
  try {
    return await tokens.check(token);
  } catch (error) {
    if (isError(error, "token_invalid", "token_expired")) return null;
    throw error;
  }
}

function ofAccessToken(issuer: string, { claims }: CheckedToken): Result {
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

async function ofRefreshToken({ issuer }: Deps, token: string, call: ActionContext["call"]): Promise<Result> {
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
