import { AppError } from "../../../lib/actions/errors.ts";
import type { Ctx, SessionsDeps } from "../sessions.deps.ts";
import { findLiveSession, listLiveSessions, type SessionRow } from "./sessions.repo.ts";
import { requireUser } from "./signed-in.ts";

/** The latest used ones; nobody reads further. */
export const MAX_LISTED_SESSIONS = 500;

export async function listOwn({ db }: Pick<SessionsDeps, "db">, { caller }: Ctx<"listOwn">) {
  const { user_id, session_id } = requireUser(caller);
  const rows = await listLiveSessions(db, user_id, MAX_LISTED_SESSIONS);
  return rows.map((row) => toSession(row, session_id));
}

export async function currentSession({ db }: Pick<SessionsDeps, "db">, { caller }: Ctx<"current">) {
  const { user_id, session_id } = requireUser(caller);
  const row = await findLiveSession(db, user_id, session_id);
  if (!row) throw new AppError("session_ended");
  return toSession(row, session_id);
}

/** For a service that shows a session beside something else. */
export async function getSession({ db }: Pick<SessionsDeps, "db">, { params }: Ctx<"get">) {
  const row = await findLiveSession(db, params.user_id, params.id);
  return row ? toSession(row, null) : null;
}

export function toSession(row: SessionRow, currentId: string | null) {
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
