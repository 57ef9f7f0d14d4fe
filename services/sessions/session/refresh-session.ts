import { AppError } from "../../../lib/actions/errors.ts";
import { confirmRevocation } from "../revocation/revocation.ts";
import type { Ctx, SessionsDeps } from "../sessions.deps.ts";
import { toGrant } from "./grant.ts";
import * as repo from "./sessions.repo.ts";
import { authenticateRefreshToken } from "./token-owner.ts";

/**
 * The current token gives the next one, the latest spent one within its grace the same next one again: a lost answer and
 * two tabs must not look like theft. Any other spent one is theft, and ends the session (RFC 9700 section 4.14.2).
 */
export async function refreshSession(deps: SessionsDeps, ctx: Ctx<"refresh">) {
  const refreshed = await spend(deps, ctx);
  switch (refreshed.outcome) {
    case "next":
    case "again":
      return toGrant(deps.platform.ring, refreshed.grant);
    case "superseded":
      throw new AppError("token_superseded");
    case "ended":
      throw new AppError("session_ended");
    case "unknown":
      throw new AppError("refresh_token_invalid");
    case "reused":
      deps.outbox.wake();
      await confirmRevocation(deps, ctx.call, refreshed.changes);
      throw new AppError("token_reused");
  }
}

async function spend(deps: SessionsDeps, ctx: Ctx<"refresh">): Promise<repo.RefreshResult> {
  const { platform, db, outbox, limits } = deps;
  const { token, owner } = await authenticateRefreshToken(deps, ctx.params.refresh_token);
  const subject = { userId: owner.user_id, tenantId: owner.tenant_id, correlationId: ctx.correlationId };
  return repo.refreshSession(db, {
    id: token.sessionId,
    counter: token.counter,
    kid: platform.ring.active,
    ip: ctx.params.ip ?? null,
    graceSeconds: platform.config.auth.refreshGraceSeconds,
    idleSeconds: (await limits(ctx.call, owner.tenant_id)).idleSeconds,
    reused: outbox.draft({
      ...subject,
      type: "token.reused",
      data: { session_id: token.sessionId, ...(ctx.params.ip && { ip: ctx.params.ip }) },
    }),
    revoked: outbox.draft({ ...subject, type: "session.revoked" }),
  });
}
