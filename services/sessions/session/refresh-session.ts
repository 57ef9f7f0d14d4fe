import { AppError } from "../../../lib/actions/errors.ts";
import { confirmRevocation } from "../revocation/confirm-revocation.ts";
import type { Ctx, SessionsDeps } from "../sessions.deps.ts";
import { authenticateRefreshToken, toGrant } from "./refresh-token.ts";
import * as repo from "./sessions.repo.ts";

/**
 * Refresh token rotation with reuse detection (RFC 9700 section 4.14.2). Safe to repeat within the grace period:
 *
 * - `next`: the current token yields its successor.
 * - `again`: the token before it yields the same successor again while its grace period lasts. The first response may have
 *   been lost, or a second tab refreshed at the same time; neither is theft.
 * - `superseded`: an older token within its own grace period is refused, but the session goes on. It is treated as a
 *   delayed duplicate, not as theft.
 * - `reused`: any other spent token was probably stolen, so the session is revoked before the request is refused.
 * - `ended`: the session was revoked or has expired.
 * - `unknown`: the session does not exist, or a restored backup is older than the token.
 */
export async function refreshSession(deps: SessionsDeps, ctx: Ctx<"refresh">) {
  const result = await rotate(deps, ctx);
  switch (result.outcome) {
    case "next":
    case "again":
      return toGrant(deps.platform.ring, result.grant);
    case "superseded":
      throw new AppError("token_superseded");
    case "ended":
      throw new AppError("session_ended");
    case "unknown":
      throw new AppError("refresh_token_invalid");
    case "reused":
      deps.outbox.wake();
      await confirmRevocation(deps, ctx.call, result.changes);
      throw new AppError("token_reused");
  }
}

/** One database function decides and writes, under the session's lock. */
async function rotate(deps: SessionsDeps, ctx: Ctx<"refresh">): Promise<repo.RefreshResult> {
  const { platform, db, outbox, lifetimesOf } = deps;
  const { token, owner } = await authenticateRefreshToken(deps, ctx.params.refresh_token, deps.cachedOwner);
  const subject = { userId: owner.user_id, tenantId: owner.tenant_id, correlationId: ctx.correlationId };
  return repo.refreshSession(db, {
    id: token.sessionId,
    counter: token.counter,
    kid: platform.ring.active,
    ip: ctx.params.ip ?? null,
    graceSeconds: platform.config.auth.refreshGraceSeconds,
    idleSeconds: (await lifetimesOf(ctx.call, owner.tenant_id)).idleSeconds,
    reusedEvent: outbox.buildEvent({
      ...subject,
      type: "token.reused",
      data: { session_id: token.sessionId, ...(ctx.params.ip && { ip: ctx.params.ip }) },
    }),
    revokedEvent: outbox.buildEvent({ ...subject, type: "session.revoked" }),
  });
}
