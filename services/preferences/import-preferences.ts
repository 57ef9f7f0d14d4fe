import { AppError } from "../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../lib/actions/typed-call.ts";
import type { Database } from "../../mixins/database.mixin.ts";
import { assertConsistent, merge } from "./defaults.ts";
import { insertManyUnconfirmed, overridesOf, type UnconfirmedRow } from "./preferences.repo.ts";

type Params = Actions["preferences.import"]["params"];
type Result = Actions["preferences.import"]["result"];

/** Comes before the accounts do; what never becomes one is swept after a day. */
export async function importPreferences(db: Database, { params }: ActionContext<Params>): Promise<Result> {
  const refused: Result["refused"] = [];
  const rows = params.preferences.flatMap(({ user_id, preferences }): UnconfirmedRow[] => {
    const overrides = merge({}, preferences);
    try {
      assertConsistent(overrides, preferences, "preferences.");
      return [{ user_id, overrides }];
    } catch (error) {
      refused.push(...refusalsOf(user_id, error));
      return [];
    }
  });
  if (rows.length > 0) await insertManyUnconfirmed(db, rows);
  return { refused };
}

function refusalsOf(id: string, error: unknown): Result["refused"] {
  if (error instanceof AppError && error.data.errors) return error.data.errors.map((one) => ({ id, ...one }));
  throw error;
}

export async function exportOverrides(
  db: Database,
  { params }: ActionContext<Actions["preferences.exportOverrides"]["params"]>,
): Promise<Actions["preferences.exportOverrides"]["result"]> {
  const rows = await overridesOf(db, params.user_ids);
  return { preferences: rows.map(({ user_id, overrides }) => ({ user_id, preferences: overrides })) };
}
