import { AppError } from "../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../lib/actions/typed-call.ts";
import type { Database } from "../../mixins/database/database.mixin.ts";
import { applyChange, assertRangesValid, type Change } from "./defaults.ts";
import { insertUnconfirmed, type OverridesRow } from "./preferences.repo.ts";

/** Called before the account is created. If no account is created under the id, the sweep deletes the row after a day. */
export async function createPreferences(
  db: Database,
  { params }: ActionContext<Actions["preferences.create"]["params"]>,
): Promise<Record<string, never>> {
  await insertUnconfirmed(db, [toOverridesRow(params.user_id, params.preferences)]);
  return {};
}

type Import = Actions["preferences.import"];

/** Does the same for a batch. `refused` lists the preferences that were not stored, with the reason. */
export async function importPreferences(
  db: Database,
  { params }: ActionContext<Import["params"]>,
): Promise<Import["result"]> {
  const refused: Import["result"]["refused"] = [];
  const rows = params.preferences.flatMap(({ user_id, preferences }) => {
    try {
      return [toOverridesRow(user_id, preferences)];
    } catch (error) {
      refused.push(...toRefusals(user_id, error));
      return [];
    }
  });
  if (rows.length > 0) await insertUnconfirmed(db, rows);
  return { refused };
}

function toOverridesRow(user_id: string, change: Change): OverridesRow {
  const overrides = applyChange({}, change);
  assertRangesValid(overrides, change, "preferences.");
  return { user_id, overrides };
}

function toRefusals(id: string, error: unknown): Import["result"]["refused"] {
  if (error instanceof AppError && error.data.errors) return error.data.errors.map((one) => ({ id, ...one }));
  throw error;
}
