import type * as z from "zod";
import { requireAdministrator, requireUser } from "../../../lib/actions/caller.ts";
import { decodeCursor, encodeCursor } from "../../../lib/actions/cursor.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import type { Database } from "../../../mixins/database/database.mixin.ts";
import type { Activity, ActivityQuery } from "../admin.contract.ts";
import { type ActivityRow, type ActivityScope, countActivity, selectActivity } from "./activity.repo.ts";

type Query = z.output<typeof ActivityQuery>;
type Page = Actions["admin.activity"]["result"];

/**
 * The entries about the caller. IP addresses of other actors and names of operators are left out, because they are those
 * people's personal data.
 */
export async function myActivity(db: Database, { caller, params }: ActionContext<Query>): Promise<Page> {
  const { user_id } = requireUser(caller);
  const page = await readPage(db, params, { user_id });
  const withoutOthers = (item: Page["items"][number]) =>
    item.actor_id === user_id ? item : { ...item, ip: null, actor: item.actor && "operator" };
  return { ...page, items: page.items.map(withoutOthers) };
}

export async function activityOfUser(
  db: Database,
  { caller, params, call }: ActionContext<Query & { readonly user_id: string }>,
): Promise<Page> {
  const { tenant_id } = requireAdministrator(caller);
  const user = await call("users.get", { id: params.user_id });
  if (user?.tenant_id !== tenant_id) throw new AppError("not_found");
  return readPage(db, params, { tenant_id, user_id: user.id });
}

export async function activityOfTenant(db: Database, { caller, params }: ActionContext<Query>): Promise<Page> {
  return readPage(db, params, { tenant_id: requireAdministrator(caller).tenant_id });
}

const SORT_ORDER = "activity";
/** Counting 1,000 index entries takes 1 ms, counting a million takes half a second. */
const MAX_COUNT = 1_000;

async function readPage(db: Database, query: Query, scope: ActivityScope): Promise<Page> {
  const { limit, cursor, actor, action, from, to } = query;
  const after = cursor === undefined ? null : decodeCursor(SORT_ORDER, cursor);
  // PostgreSQL accepts no NUL character in a text.
  const filter = { actor_id: actor, action: action?.replaceAll("\0", ""), from, to, ...scope };
  const [found, counted] = await Promise.all([
    selectActivity(db, filter, after, limit + 1),
    countActivity(db, filter, MAX_COUNT + 1),
  ]);
  const items = found.slice(0, limit).map(viewActivity);
  const last = found.length > limit ? items.at(-1) : undefined;
  const total = counted > MAX_COUNT ? null : counted;
  // The gateway shows the page number only for requests without a cursor.
  return { items, total, page: 1, limit, next_cursor: last ? encodeCursor(SORT_ORDER, last) : null };
}

function viewActivity({
  id,
  action,
  actor_id,
  actor,
  user_id,
  at,
  ip,
  correlation_id,
  details,
}: ActivityRow): z.output<typeof Activity> {
  return {
    id,
    action,
    actor_id,
    actor,
    user_id,
    at: at.toISOString(),
    ip,
    correlation_id,
    details: details as z.output<typeof Activity>["details"],
  };
}
