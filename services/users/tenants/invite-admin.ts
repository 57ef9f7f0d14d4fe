import { requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { Transaction } from "../../../mixins/database.mixin.ts";
import { newAccount } from "../account/create-user.ts";
import { appendUserEvent } from "../core/user-events.ts";
import type { Cause, UsersDeps } from "../core/users.deps.ts";
import { insertAccount, insertRoles } from "../core/users.repo.ts";
import { recordRoleChange } from "../roles/roles.repo.ts";

/**
 * Creates an account without a credential. The auth service reacts to `invited` with a mail whose link sets the first
 * password.
 */
export async function inviteAdmin(
  { outbox, clock, random }: Pick<UsersDeps, "outbox" | "clock" | "random">,
  tx: Transaction,
  ctx: Cause,
  tenantId: string,
  email: string,
): Promise<void> {
  const account = newAccount({ id: newId(clock, random), email }, tenantId);
  if (!(await insertAccount(tx, account))) throw new AppError("email_taken");
  await insertRoles(tx, account.id, tenantId, ["admin"]);
  const eventId = newId(clock, random);
  await recordRoleChange(tx, account.id, requireUser(ctx.caller).user_id, eventId);
  await appendUserEvent(outbox, tx, ctx, {
    type: "user.created",
    user: account,
    eventId,
    data: { is_verified: false, invited: true, roles: ["admin"] },
  });
}
