import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import type { Database } from "../../../mixins/database.mixin.ts";
import { readUserOf } from "../core/users.repo.ts";
import { assertCanManageAccount } from "./privilege-checks.ts";

/** May the actor change what belongs to this account? To him another tenant's is as unknown as one that never was. */
export async function checkCanManage(
  db: Database,
  { params: { id, tenant_id, actor_id } }: Pick<ActionContext<Actions["users.canManage"]["params"]>, "params">,
): Promise<Record<string, never>> {
  const account = await readUserOf(db, tenant_id, id);
  if (!account) throw new AppError("not_found");
  await assertCanManageAccount(db, { user_id: actor_id }, account);
  return {};
}
