import { AppError } from "../../../lib/actions/errors.ts";
import { onceById } from "../../../mixins/idempotency.ts";
import type { Ctx, SessionsDeps } from "../sessions.deps.ts";
import { revokeSession } from "./revoke-session.ts";
import { authenticToken } from "./token-owner.ts";

/** Who is signed in ends his session; who isn't, the one whose refresh token he sends: spent or ended, if only it is genuine. */
export async function logout(deps: SessionsDeps, ctx: Ctx<"logout">): Promise<Record<string, never>> {
  const own = await ownSession(deps, ctx);
  const { id } = await onceById(deps.db, ctx, own.userId, { id: own.id });
  // The same key in a later session is no repetition: it must not be told that this one has ended.
  if (id !== own.id) throw new AppError("idempotency_key_reused");
  await revokeSession(deps, ctx, own, "logout");
  return {};
}

async function ownSession(deps: SessionsDeps, { caller, params }: Ctx<"logout">) {
  if (caller.kind === "user") return { id: caller.session_id, userId: caller.user_id, tenantId: caller.home_tenant_id };
  if (params.refresh_token === undefined) throw new AppError("token_missing");
  const { token, owner } = await authenticToken(deps, params.refresh_token);
  return { id: token.sessionId, userId: owner.user_id, tenantId: owner.tenant_id };
}
