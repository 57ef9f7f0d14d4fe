import { AppError } from "../../../lib/actions/errors.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { Ctx, SessionsDeps } from "../sessions.deps.ts";
import { revokeSession } from "./revoke-session.ts";
import { authenticateRefreshToken } from "./token-owner.ts";

/** Who is signed in ends his session; who isn't, the one whose refresh token he sends: spent or ended, if only it is genuine. */
export async function logout(deps: SessionsDeps, ctx: Ctx<"logout">): Promise<Record<string, never>> {
  const own = await ownSession(deps, ctx);
  return runIdempotently(deps.db, ctx, {
    userId: own.userId,
    prepare: async () => ({ id: own.id }),
    after: async ({ id }) => {
      // The same key sent in a later session is not a retry: the client must not be told that this session has ended.
      if (id !== own.id) throw new AppError("idempotency_key_reused");
      await revokeSession(deps, ctx, own, "logout");
      return {};
    },
  });
}

async function ownSession(deps: SessionsDeps, { caller, params }: Ctx<"logout">) {
  if (caller.kind === "user") return { id: caller.session_id, userId: caller.user_id, tenantId: caller.home_tenant_id };
  if (params.refresh_token === undefined) throw new AppError("token_missing");
  const { token, owner } = await authenticateRefreshToken(deps, params.refresh_token);
  return { id: token.sessionId, userId: owner.user_id, tenantId: owner.tenant_id };
}
