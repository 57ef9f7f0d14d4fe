import { AppError } from "../../../lib/actions/errors.ts";
import { onceById } from "../../../mixins/idempotency.ts";
import type { Ctx, SessionsDeps } from "../sessions.deps.ts";
import { endSession } from "./revoke-session.ts";
import { signedIn } from "./signed-in.ts";

export async function endMine(deps: SessionsDeps, ctx: Ctx<"endMine">): Promise<Record<string, never>> {
  const { user_id, home_tenant_id } = signedIn(ctx.caller);
  const session = { id: ctx.params.id, userId: user_id, tenantId: home_tenant_id };
  await onceById(deps.db, ctx, user_id, session.id);
  if (!(await endSession(deps, ctx, session, "ended_by_owner"))) throw new AppError("not_found");
  return {};
}
