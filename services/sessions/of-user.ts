import { type UserCaller, userOf } from "../../lib/caller.ts";
import { AppError } from "../../lib/errors.ts";
import { newId } from "../../lib/ids.ts";
import type { ActionContext } from "../../lib/mesh.ts";
import { onceById } from "../../mixins/idempotency.ts";
import { endAll } from "./end-all.ts";
import { MOST, toSession } from "./list-mine.ts";
import type { Ctx, SessionsDeps } from "./sessions.deps.ts";
import { listLiveSessions } from "./sessions.repo.ts";

export async function listOfUser({ db }: Pick<SessionsDeps, "db">, ctx: Ctx<"ofUser">) {
  const { session_id } = await sameTenant(ctx, ctx.params.user_id);
  const rows = await listLiveSessions(db, ctx.params.user_id, MOST);
  return rows.map((row) => toSession(row, session_id));
}

/** Under the key of an earlier request it is that one again: a sign-in made since lives on. */
export async function endOfUser(deps: SessionsDeps, ctx: Ctx<"endOfUser">): Promise<{ revoked: number }> {
  const { clock, random } = deps.platform;
  const userId = ctx.params.user_id;
  await sameTenant(ctx, userId);
  const eventId = await onceById(deps.db, ctx, userId, newId(clock, random));
  return endAll(deps, ctx.call, { userId, eventId, reason: "ended_by_admin", correlationId: ctx.correlationId });
}

/** To an administrator another tenant's account is as unknown as one that never was. */
async function sameTenant(
  { caller, call }: Pick<ActionContext, "caller" | "call">,
  userId: string,
): Promise<UserCaller> {
  const own = userOf(caller);
  const user = await call("users.get", { id: userId });
  if (user?.tenant_id !== own.tenant_id) throw new AppError("not_found");
  return own;
}
