import { AppError } from "../../../lib/actions/errors.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { Ctx, SessionsDeps } from "../sessions.deps.ts";
import { revokeSession } from "./revoke-session.ts";
import { requireUser } from "./signed-in.ts";

export async function revokeOwn(deps: SessionsDeps, ctx: Ctx<"revokeOwn">): Promise<Record<string, never>> {
  const { user_id, home_tenant_id } = requireUser(ctx.caller);
  const session = { id: ctx.params.id, userId: user_id, tenantId: home_tenant_id };
  return runIdempotently(deps.db, ctx, {
    userId: user_id,
    prepare: async () => session.id,
    after: async () => {
      if (!(await revokeSession(deps, ctx, session, "ended_by_owner"))) throw new AppError("not_found");
      return {};
    },
  });
}
