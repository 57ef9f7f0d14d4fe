import { requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { onceById } from "../../../mixins/idempotency.ts";
import type { Ctx, SessionsDeps } from "../sessions.deps.ts";
import { actorOf } from "./actor.ts";
import { MOST, toSession } from "./list-own.ts";
import { revokeAll } from "./revoke-all.ts";
import { listLiveSessions } from "./sessions.repo.ts";

export async function listForUser({ db }: Pick<SessionsDeps, "db">, ctx: Ctx<"listForUser">) {
  const { session_id, tenant_id } = requireUser(ctx.caller);
  const user = await ctx.call("users.get", { id: ctx.params.user_id });
  // To an administrator another tenant's account is as unknown as one that never was.
  if (user?.tenant_id !== tenant_id) throw new AppError("not_found");
  const rows = await listLiveSessions(db, ctx.params.user_id, MOST);
  return rows.map((row) => toSession(row, session_id));
}

/** Not of an account that is mightier. Under the key of an earlier request it is that one again: a sign-in made since lives on. */
export async function revokeForUser(deps: SessionsDeps, ctx: Ctx<"revokeForUser">): Promise<{ revoked: number }> {
  const { clock, random } = deps.platform;
  const { user_id: actor_id, tenant_id } = requireUser(ctx.caller);
  const userId = ctx.params.user_id;
  await ctx.call("users.canManage", { id: userId, tenant_id, actor_id });
  const eventId = await onceById(deps.db, ctx, userId, newId(clock, random));
  const by = actorOf(ctx, userId);
  return revokeAll(deps, ctx.call, { userId, eventId, reason: "ended_by_admin", correlationId: ctx.correlationId, by });
}
