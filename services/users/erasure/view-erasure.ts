import type * as z from "zod";
import { requireAdministrator } from "../../../lib/actions/caller.ts";
import { decodeCursor, encodeCursor } from "../../../lib/actions/cursor.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import type { Database } from "../../../mixins/database/database.mixin.ts";
import type { ErasureQuery } from "../contract/users-erasure.contract.ts";
import { isoOrNull } from "../core/user-view.ts";
import {
  countErasuresOfTenant,
  type ErasureRow,
  listErasuresOfTenant,
  listOpenErasures,
  readErasure,
  type ScheduledErasure,
} from "./erasures.repo.ts";

type View = Actions["users.erasure"]["result"];

/** The state of an erasure, for administrators of the account's tenant. */
export async function viewErasure(
  db: Database,
  { caller, params }: ActionContext<{ readonly id: string }>,
): Promise<View> {
  const row = await readErasure(db, params.id);
  if (!isScheduled(row) || row.tenant_id !== requireAdministrator(caller).tenant_id) throw new AppError("not_found");
  return toView(row);
}

const MAX_COUNT = 1_000;

/** A page of the erasures in the caller's tenant. */
export async function listTenantErasures(
  db: Database,
  { caller, params }: ActionContext<z.output<typeof ErasureQuery>>,
): Promise<Actions["users.tenantErasures"]["result"]> {
  const { state, cursor, limit } = params;
  const filter = { tenantId: requireAdministrator(caller).tenant_id, state };
  const order = `erasures ${state}`;
  const after = cursor === undefined ? null : decodeCursor(order, cursor);
  const [found, count] = await Promise.all([
    listErasuresOfTenant(db, filter, after, limit + 1),
    countErasuresOfTenant(db, filter, MAX_COUNT + 1),
  ]);
  const rows = found.slice(0, limit);
  const last = found.length > limit ? rows.at(-1) : undefined;
  return {
    items: rows.map((row) => ({ ...toView(row), email: row.email })),
    total: count > MAX_COUNT ? null : count,
    page: null,
    limit,
    next_cursor: last ? encodeCursor(order, { id: last.id, at: isoOrNull(last.completed_at ?? last.due_at) }) : null,
  };
}

/** For operators, of all tenants. */
export async function listErasures(db: Database, limit: number): Promise<View[]> {
  return (await listOpenErasures(db, limit)).map(toView);
}

/** False for an account that is kept. */
function isScheduled(row: ErasureRow | null): row is ScheduledErasure {
  return row !== null && row.due_at !== null;
}

function toView(row: ScheduledErasure): View {
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
