import { requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { Transaction } from "../../../mixins/database.mixin.ts";
import { indexableEmailKey } from "../account/create-user.ts";
import { defaultVisibility } from "../contract/users-shapes.contract.ts";
import { searchText } from "../core/search-text.ts";
import { appendUserEvent } from "../core/user-events.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { insertAccount, insertRoles } from "../core/users.repo.ts";
import { recordGrant } from "../roles/roles.repo.ts";

/** An account without a credential: the link in the mail that `invited` makes auth send sets its first password. */
export async function inviteAdmin(
  { outbox, clock, random }: Pick<UsersDeps, "outbox" | "clock" | "random">,
  tx: Transaction,
  ctx: Pick<ActionContext, "caller" | "client" | "correlationId">,
  tenantId: string,
  email: string,
): Promise<void> {
  const id = newId(clock, random);
  const names = { username: null, full_name: null, current_title: null, company: null };
  const made = await insertAccount(tx, {
    id,
    tenant_id: tenantId,
    email,
    email_key: indexableEmailKey(email),
    username: null,
    username_key: null,
    full_name: null,
    push_token: null,
    search_text: searchText({ ...names, email }),
    is_verified: false,
    ...defaultVisibility,
  });
  if (!made) throw new AppError("email_taken");
  await insertRoles(tx, id, tenantId, ["admin"]);
  const eventId = newId(clock, random);
  await recordGrant(tx, id, requireUser(ctx.caller).user_id, eventId);
  const user = { id, tenant_id: tenantId, email, full_name: null };
  await appendUserEvent(outbox, tx, ctx, {
    type: "user.created",
    user,
    eventId,
    data: { is_verified: false, invited: true, roles: ["admin"] },
  });
}
