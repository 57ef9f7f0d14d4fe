import { SignJWT } from "jose";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { AuthDeps } from "../dependencies.ts";
import type { Signer } from "../signing/signing-keys.ts";

type Grant = Actions["sessions.create"]["result"];
type Claims = NonNullable<Actions["users.claims"]["result"]>;
type TokenDeps = Pick<AuthDeps, "config" | "clock" | "random" | "signingKeys">;

interface AccessToken {
  readonly access_token: string;
  readonly token_type: "Bearer";
  /** Seconds. */
  readonly expires_in: number;
}

/** Beyond it a revocation could be forgotten before the token is dead. */
const LATEST_MS = 10_000;

/**
 * Signs for a session that sessions has just granted. `ver` and `tver` were read there, so roles, tier and status are read
 * after them and past every cache: an old role never stands under a new version.
 */
export async function issueAccessToken(
  deps: TokenDeps,
  ctx: Pick<ActionContext, "call">,
  grant: Grant,
): Promise<AccessToken> {
  const granted = momentOf(deps.clock);
  const claims = await ctx.call("users.claims", { id: grant.user_id });
  if (!claims?.is_active) throw new AppError("session_ended");
  const signer = await deps.signingKeys.current();
  if (deps.clock.monotonic() - granted.monotonic > LATEST_MS)
    throw new AppError("service_unavailable", { retry_after: 1 });
  return sign(deps, signer, grant, claims, granted.seconds);
}

function momentOf(clock: Clock) {
  return { seconds: Math.floor(clock.now().getTime() / 1_000), monotonic: clock.monotonic() };
}

async function sign(deps: TokenDeps, signer: Signer, grant: Grant, claims: Claims, iat: number): Promise<AccessToken> {
  const { publicUrl } = deps.config.http;
  const exp = endOf(deps, signer, grant, claims, iat);
  const jwt = new SignJWT({
    ...payloadOf(grant, claims),
    jti: newId(deps.clock, deps.random),
    iat,
    exp,
    iss: publicUrl,
    aud: publicUrl,
  });
  const access_token = await jwt.setProtectedHeader({ alg: "EdDSA", typ: "at+jwt", kid: signer.kid }).sign(signer.key);
  return { access_token, token_type: "Bearer", expires_in: exp - iat };
}

/** It outlives neither the session, nor the paid tier it speaks of, nor the key it is signed with. */
function endOf({ config }: TokenDeps, signer: Signer, grant: Grant, claims: Claims, iat: number): number {
  const ends = [
    iat + Math.min(config.auth.accessTokenSeconds, claims.access_token_seconds),
    iat + grant.refresh_expires_in,
    Math.floor(signer.verifyUntil / 1_000),
  ];
  if (claims.tier === "premium" && claims.tier_expires_at)
    ends.push(Math.floor(Date.parse(claims.tier_expires_at) / 1_000));
  return Math.max(Math.min(...ends), iat + 1);
}

/** RFC 9068 section 2.2, OpenID Connect Core section 5.1; `user_id` and `role` for the peers of earlier systems. */
function payloadOf(grant: Grant, claims: Claims) {
  return {
    sub: grant.user_id,
    sid: grant.session_id,
    tid: grant.tenant_id,
    ver: grant.ver,
    tver: grant.tver,
    roles: claims.roles,
    permissions: claims.permissions,
    tier: claims.tier,
    email: claims.email,
    name: claims.full_name,
    email_verified: claims.is_verified,
    auth_time: grant.auth_time,
    amr: grant.amr,
    user_id: grant.user_id,
    role: ["admin", "vendor", "user"].find((role) => claims.roles.includes(role)) ?? claims.roles[0] ?? "user",
  };
}
