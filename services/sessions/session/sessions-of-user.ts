import { requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { Ctx, SessionsDeps } from "../sessions.deps.ts";
import { actorOf } from "./actor.ts";
import { MAX_LISTED_SESSIONS, toSession } from "./list-own.ts";
import { revokeAll } from "./revoke-all.ts";
import { listLiveSessions } from "./sessions.repo.ts";

export async function listForUser({ db }: Pick<SessionsDeps, "db">, ctx: Ctx<"listForUser">) {
  const { session_id, tenant_id } = requireUser(ctx.caller);
  const user = await ctx.call("users.get", { id: ctx.params.user_id });
  // To an administrator another tenant's account is as unknown as one that never was.
  if (user?.tenant_id !== tenant_id) throw new AppError("not_found");
  const rows = await listLiveSessions(db, ctx.params.user_id, MAX_LISTED_SESSIONS);
  return rows.map((row) => toSession(row, session_id));
}

/**
 * Requires permission to manage the account. A retry with the same idempotency key repeats the original operation, so
 * sessions created since then survive.
 */
export async function revokeForUser(deps: SessionsDeps, ctx: Ctx<"revokeForUser">): Promise<{ revoked: number }> {
  const { clock, random } = deps.platform;
  const { user_id: actor_id, tenant_id } = requireUser(ctx.caller);
  const userId = ctx.params.user_id;
  await ctx.call("users.canManage", { id: userId, tenant_id, actor_id });
  const by = actorOf(ctx, userId);
  return runIdempotently(deps.db, ctx, {
    userId,
    prepare: async () => newId(clock, random),
    after: (eventId) =>
      revokeAll(deps, ctx.call, { userId, eventId, reason: "ended_by_admin", correlationId: ctx.correlationId, by }),
  });
}
