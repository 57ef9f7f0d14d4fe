import { requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import type { Database } from "../../../mixins/database.mixin.ts";
import { isoOrNull } from "../core/user-view.ts";
import { readErasure } from "./erasures.repo.ts";

type View = Actions["users.erasure"]["result"];

/** The state of an erasure, for administrators of the account's tenant. */
export async function viewErasure(
  db: Database,
  { caller, params }: ActionContext<{ readonly id: string }>,
): Promise<View> {
  const row = await readErasure(db, params.id);
  if (row?.tenant_id !== requireUser(caller).tenant_id) throw new AppError("not_found");
  const { id, user_id, receipts } = row;
  return {
    id,
    user_id,
    state: row.completed_at ? "completed" : row.tried_at ? "running" : "scheduled",
    requested_at: row.requested_at.toISOString(),
    erase_at: row.due_at.toISOString(),
    deadline: row.deadline.toISOString(),
    completed_at: isoOrNull(row.completed_at),
    receipts: receipts as View["receipts"],
  };
}
