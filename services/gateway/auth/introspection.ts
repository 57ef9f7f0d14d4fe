import { AppError, isError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { parseRefreshToken } from "../../../lib/crypto/refresh-token.ts";
import type { AccessTokens } from "./access-token.ts";
import type { AuthenticationDeps } from "./authenticate.ts";

type Params = Actions["gateway.introspect"]["params"];
type Result = Actions["gateway.introspect"]["result"];

interface Deps extends Pick<AuthenticationDeps, "tokens" | "checkLease"> {
  readonly issuer: string;
}

const INACTIVE = { active: false } as const;

/** Token introspection (RFC 7662). A token that is invalid, expired or revoked is inactive. */
export async function introspect(deps: Deps, { params, call }: ActionContext<Params>): Promise<Result> {
  const { token } = params;
  return parseRefreshToken(token) ? introspectRefreshToken(deps, token, call) : introspectAccessToken(deps, token);
}

async function introspectAccessToken({ tokens, checkLease, issuer }: Deps, token: string): Promise<Result> {
  const verified = await verifyOrNull(tokens, token);
  if (!verified) return INACTIVE;
  const { sub, sid, tid, exp, iat, jti, roles, tier, permissions } = verified.claims;
  const error = checkLease(verified.claims);
  if (error === "no_lease") throw new AppError("service_unavailable", { retry_after: 1 });
  if (error !== null) return INACTIVE;
  const claims = { iss: issuer, aud: issuer, sub, sid, tid, exp, iat, jti, roles, tier };
  return { active: true, token_type: "Bearer", scope: permissions.join(" "), ...claims };
}

async function verifyOrNull(tokens: AccessTokens, token: string) {
  try {
    return await tokens.verify(token);
  } catch (error) {
    if (isError(error, "token_invalid", "token_expired")) return null;
    throw error;
  }
}

async function introspectRefreshToken({ issuer }: Deps, token: string, call: ActionContext["call"]): Promise<Result> {
  const session = await call("sessions.inspect", { refresh_token: token });
  if (!session) return INACTIVE;
  const { user_id: sub, tenant_id: tid, session_id: sid, iat, exp } = session;
  return { active: true, token_type: "refresh_token", iss: issuer, sub, sid, tid, iat, exp };
}
