import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { AuthDeps } from "../dependencies.ts";
import { signJwt } from "../signing/signing-algorithms.ts";
import type { Signer } from "../signing/signing-keys.ts";

type Grant = Actions["sessions.create"]["result"];
type Claims = NonNullable<Actions["users.claims"]["result"]>;
type TokenDeps = Pick<AuthDeps, "config" | "clock" | "random" | "signingKeys">;

interface AccessToken {
  readonly access_token: string;
  readonly token_type: "Bearer";
  /** Lifetime of the access token in seconds. */
  readonly expires_in: number;
}

/**
 * The revocation log keeps an entry only until tokens signed before it have expired, plus a margin. A token that is signed
 * longer than this after its grant could still be valid when the entry that revokes it is deleted.
 */
const MAX_SIGNING_DELAY_MS = 10_000;

/**
 * Signs an access token for a session that has just been granted. Roles, tier and status are read after the grant's token
 * versions, and never from a cache, so that no token has old roles and a new version. 401 `session_ended` if the account
 * was deactivated, 503 if signing takes too long.
 */
export async function issueAccessToken(
  deps: TokenDeps,
  ctx: Pick<ActionContext, "call">,
  grant: Grant,
): Promise<AccessToken> {
  const { clock, signingKeys } = deps;
  const grantedAt = clock.monotonic();
  const iat = Math.floor(clock.now().getTime() / 1_000);
  const claims = await ctx.call("users.claims", { id: grant.user_id });
  if (!claims?.is_active) throw new AppError("session_ended");
  const signer = await signingKeys.current();
  if (clock.monotonic() - grantedAt > MAX_SIGNING_DELAY_MS)
    throw new AppError("service_unavailable", { retry_after: 1 });
  return sign(deps, signer, grant, claims, iat);
}

function sign(deps: TokenDeps, signer: Signer, grant: Grant, claims: Claims, iat: number): AccessToken {
  const { publicUrl } = deps.config.http;
  const exp = expiryOf(deps, signer, grant, claims, iat);
  const payload = {
    ...payloadOf(grant, claims),
    jti: newId(deps.clock, deps.random),
    iat,
    exp,
    iss: publicUrl,
    aud: publicUrl,
  };
  const header = { alg: signer.alg, typ: "at+jwt", kid: signer.kid };
  return { access_token: signJwt(header, payload, signer.key), token_type: "Bearer", expires_in: exp - iat };
}

/** The token outlives neither its session, nor the premium tier it carries, nor the key that signs it. */
function expiryOf({ config }: TokenDeps, signer: Signer, grant: Grant, claims: Claims, iat: number): number {
  const limits = [
    iat + Math.min(config.auth.accessTokenSeconds, claims.access_token_seconds),
    iat + grant.refresh_expires_in,
    Math.floor(signer.verifyUntil / 1_000),
  ];
  if (claims.tier === "premium" && claims.tier_expires_at)
    limits.push(Math.floor(Date.parse(claims.tier_expires_at) / 1_000));
  return Math.max(Math.min(...limits), iat + 1);
}

/**
 * Usermesh has no third-party OAuth clients, but RFC 9068 section 2.2 requires the claim `client_id`, and resource servers
 * that implement the RFC check it.
 */
const CLIENT_ID = "usermesh";

/** RFC 9068 section 2.2, OpenID Connect Core section 5.1. `user_id` and `role` are for clients of earlier systems. */
function payloadOf(grant: Grant, claims: Claims) {
  return {
    sub: grant.user_id,
    client_id: CLIENT_ID,
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
