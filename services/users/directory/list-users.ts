import type * as z from "zod";
import { requireAdministrator } from "../../../lib/actions/caller.ts";
import { decodeCursor, encodeCursor } from "../../../lib/actions/cursor.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import type { Database } from "../../../mixins/database/database.mixin.ts";
import type { UserQuery } from "../contract/users-shapes.contract.ts";
import { searchWords } from "../core/search-text.ts";
import { viewUser } from "../core/user-view.ts";
import type { UserRow } from "../core/users.repo.ts";
import type { Counts } from "./counts.ts";
import { type PageRequest, selectUsers, type UserFilter } from "./user-list.repo.ts";

type Query = z.output<typeof UserQuery>;
type Page = Actions["users.list"]["result"];

/** The accounts of the caller's tenant, by page number or by cursor, which costs the same at any depth. */
export async function listUsers(
  deps: { readonly db: Database; readonly counts: Counts },
  { caller, params }: ActionContext<Query>,
): Promise<Page> {
  const filter = filterOf(requireAdministrator(caller).tenant_id, params);
  const [found, total] = await Promise.all([
    selectUsers(deps.db, filter, pageOf(params)),
    deps.counts.matching(filter),
  ]);
  const rows = found.slice(0, params.limit);
  const last = found.length > params.limit ? rows.at(-1) : undefined;
  return {
    items: rows.map(viewUser),
    total,
    page: params.page,
    limit: params.limit,
    next_cursor: last ? encodeCursor(params.sort, positionOf(last, params.sort)) : null,
  };
}

function filterOf(tenantId: string, { search = "", status, role, external_id: externalId, ids }: Query): UserFilter {
  // Every account has the role `user`, which is not stored.
  return {
    tenantId,
    words: searchWords(search),
    status,
    externalId,
    role: role === "user" ? undefined : role,
    ids: ids?.split(","),
  };
}

function pageOf({ cursor, sort, page, limit }: Query): PageRequest {
  const after = cursor === undefined ? null : decodeCursor(sort, cursor);
  return { sort, after, offset: after ? 0 : (page - 1) * limit, limit: limit + 1 };
}

function positionOf(row: UserRow, sort: Query["sort"]) {
  const at = sort.endsWith("created_at") ? row.created_at : row.last_login_at;
  return { at: at?.toISOString() ?? null, id: row.id };
}
