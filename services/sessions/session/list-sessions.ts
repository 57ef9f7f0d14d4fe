import { requireAdministrator, requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { Ctx, SessionsDeps } from "../sessions.deps.ts";
import { findLiveSession, listLiveSessions, type SessionRow } from "./sessions.repo.ts";

type ListDeps = Pick<SessionsDeps, "db">;

/** Only the most recently used sessions are listed. The limit is far above the number of devices that a person uses. */
const MAX_LISTED_SESSIONS = 500;

export async function listOwn({ db }: ListDeps, { caller }: Ctx<"listOwn">) {
  const { user_id, session_id } = requireUser(caller);
  return listSessions(db, user_id, session_id);
}

/** For administrators. 404 for an account of another tenant, as for one that does not exist. */
export async function listForUser({ db }: ListDeps, ctx: Ctx<"listForUser">) {
  const { tenant_id } = requireAdministrator(ctx.caller);
  const user = await ctx.call("users.get", { id: ctx.params.user_id });
  if (user?.tenant_id !== tenant_id) throw new AppError("not_found");
  return listSessions(db, user.id, ctx.caller.kind === "user" ? ctx.caller.session_id : null);
}

/** For other services, which do not ask on behalf of a session: `is_current` is false. */
export async function getSession({ db }: ListDeps, { params }: Ctx<"get">) {
  const row = await findLiveSession(db, params.user_id, params.id);
  return row ? toSession(row, null) : null;
}

async function listSessions(db: ListDeps["db"], userId: string, currentId: string | null) {
  const rows = await listLiveSessions(db, userId, MAX_LISTED_SESSIONS);
  return rows.map((row) => toSession(row, currentId));
}

function toSession(row: SessionRow, currentId: string | null) {
  return {
    id: row.id,
    device: { name: row.device_name, browser: row.browser, os: row.os, type: row.device_type },
    ip: row.ip,
    created_at: row.created_at.toISOString(),
    last_used_at: row.last_used_at.toISOString(),
    expires_at: row.expires_at.toISOString(),
    is_current: row.id === currentId,
  };
}
