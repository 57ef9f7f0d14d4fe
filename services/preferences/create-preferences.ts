import { AppError } from "../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../lib/actions/typed-call.ts";
import type { Database } from "../../mixins/database.mixin.ts";
import { assertConsistent, type Change, merge } from "./defaults.ts";
import { insertUnconfirmed, type UnconfirmedRow } from "./preferences.repo.ts";

/** Precedes the account. Rows that no account follows are swept after a day. */
export async function createPreferences(
  db: Database,
  { params }: ActionContext<Actions["preferences.create"]["params"]>,
): Promise<Record<string, never>> {
  await insertUnconfirmed(db, [toRow(params.user_id, params.preferences)]);
  return {};
}

type Import = Actions["preferences.import"];

/** The same for a batch; `refused` says why some were left out. */
export async function importPreferences(
  db: Database,
  { params }: ActionContext<Import["params"]>,
): Promise<Import["result"]> {
  const refused: Import["result"]["refused"] = [];
  const rows = params.preferences.flatMap(({ user_id, preferences }) => {
    try {
      return [toRow(user_id, preferences)];
    } catch (error) {
      refused.push(...toRefusals(user_id, error));
      return [];
    }
  });
  if (rows.length > 0) await insertUnconfirmed(db, rows);
  return { refused };
}

function toRow(user_id: string, change: Change): UnconfirmedRow {
  const overrides = merge({}, change);
  assertConsistent(overrides, change, "preferences.");
  return { user_id, overrides };
}

function toRefusals(id: string, error: unknown): Import["result"]["refused"] {
  if (error instanceof AppError && error.data.errors) return error.data.errors.map((one) => ({ id, ...one }));
  throw error;
}
