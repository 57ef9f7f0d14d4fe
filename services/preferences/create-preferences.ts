import type { ActionContext, Actions } from "../../lib/actions/typed-call.ts";
import type { Database } from "../../mixins/database.mixin.ts";
import { assertConsistent, merge } from "./defaults.ts";
import { insertUnconfirmed } from "./preferences.repo.ts";

type Params = Actions["preferences.create"]["params"];

/** Comes before the account does; what never becomes one is swept after a day. */
export async function createPreferences(
  db: Database,
  { params }: ActionContext<Params>,
): Promise<Record<string, never>> {
  const overrides = merge({}, params.preferences);
  assertConsistent(overrides, params.preferences, "preferences.");
  await insertUnconfirmed(db, params.user_id, overrides);
  return {};
}
