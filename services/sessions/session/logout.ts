import { requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { Ctx, SessionsDeps } from "../sessions.deps.ts";
import { authenticateRefreshToken } from "./refresh-token.ts";
import { actorOf, revokeAll } from "./revoke-all.ts";
import { revokeSession } from "./revoke-session.ts";

/**
 * Ends the caller's session, or for an anonymous caller the session of the refresh token. A spent token and a token of a
 * revoked session are accepted too, since the client only wants the session to be ended.
 */
export async function logout(deps: SessionsDeps, ctx: Ctx<"logout">): Promise<Record<string, never>> {
  const session = await findSession(deps, ctx);
  return runIdempotently(deps.db, ctx, {
    userId: session.userId,
    prepare: async () => ({ id: session.id }),
    after: async ({ id }) => {
      // The key was first sent in another session, so this is not a retry: the current session would not be ended.
      if (id !== session.id) throw new AppError("idempotency_key_reused");
      await revokeSession(deps, ctx, session, "logout");
      return {};
    },
  });
}

async function findSession(deps: SessionsDeps, { caller, params }: Ctx<"logout">) {
  if (caller.kind === "user") return { id: caller.session_id, userId: caller.user_id, tenantId: caller.home_tenant_id };
  if (params.refresh_token === undefined) throw new AppError("token_missing");
  const { token, owner } = await authenticateRefreshToken(deps, params.refresh_token);
  return { id: token.sessionId, userId: owner.user_id, tenantId: owner.tenant_id };
}

/** A retry with the same idempotency key uses the event id of the first request again, so newer sessions survive. */
export async function logoutAll(deps: SessionsDeps, ctx: Ctx<"logoutAll">): Promise<{ revoked: number }> {
  const { clock, random } = deps.platform;
  const { user_id } = requireUser(ctx.caller);
  return runIdempotently(deps.db, ctx, {
    userId: user_id,
    prepare: async () => newId(clock, random),
    after: (eventId) =>
      revokeAll(deps, ctx.call, {
        userId: user_id,
        eventId,
        reason: "logout_all",
        correlationId: ctx.correlationId,
        actor: actorOf(ctx, user_id),
      }),
  });
}
