import { requireAdministrator } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { Transaction } from "../../../mixins/database/database.mixin.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import { derivedColumns } from "../core/derived-columns.ts";
import { appendUserEvent } from "../core/user-events.ts";
import { type UserView, viewUser } from "../core/user-view.ts";
import type { Cause, UsersDeps } from "../core/users.deps.ts";
import {
  findConflictingAccounts,
  insertAccount,
  insertRoles,
  type NewAccount,
  readUserOfTenant,
} from "../core/users.repo.ts";
import { assertHoldsPermissions, permissionsOfRoles } from "../roles/privilege-checks.ts";
import { lockRoles, recordRoleChange } from "../roles/roles.repo.ts";
import { assertWithinAccountLimit } from "../tenants/tenant-limit.ts";
import { newAccount } from "./create-user.ts";

type Params = Actions["users.adminCreate"]["params"];
type Deps = Pick<UsersDeps, "db" | "outbox" | "clock" | "random">;
type Fields = Omit<Params, "roles" | "send_invitation">;

interface AccountToCreate {
  readonly tenantId: string;
  readonly fields: Fields;
  readonly roles: readonly string[];
  readonly isInvited: boolean;
}

/** Creates an account in the caller's tenant. Callers can't grant permissions that they lack. */
export function adminCreate(deps: Deps, ctx: ActionContext<Params>): Promise<UserView> {
  const caller = requireAdministrator(ctx.caller);
  const { roles: requested = [], send_invitation: isInvited = true, ...fields } = ctx.params;
  const roles = [...new Set(requested)].filter((role) => role !== "user");
  if (roles.length > 0 && ctx.caller.kind === "user" && !ctx.caller.permissions.includes("roles:write"))
    throw new AppError("forbidden", { message: "Assigning roles requires the permission roles:write." });
  return runIdempotently(deps.db, ctx, {
    userId: caller.user_id,
    commit: async (tx) => {
      await lockRoles(tx, caller.tenant_id);
      await assertHoldsPermissions(tx, caller, await permissionsOfRoles(tx, caller.tenant_id, roles));
      const id = await createWithoutPassword(deps, tx, ctx, { tenantId: caller.tenant_id, fields, roles, isInvited });
      await assertWithinAccountLimit(tx, caller.tenant_id);
      const row = await readUserOfTenant(tx, caller.tenant_id, id);
      if (!row) throw new AppError("not_found");
      return viewUser(row);
    },
  });
}

/**
 * Creates an account without a credential; resolves to its id. The auth service reacts to `invited` with a mail whose link
 * sets the first password. Roles are not checked.
 */
export async function createWithoutPassword(
  { outbox, clock, random }: Pick<Deps, "outbox" | "clock" | "random">,
  tx: Transaction,
  ctx: Cause,
  { tenantId, fields, roles, isInvited }: AccountToCreate,
): Promise<string> {
  const account = accountOf(newId(clock, random), tenantId, fields);
  if (!(await insertAccount(tx, account))) throw await conflictOf(tx, account);
  const eventId = newId(clock, random);
  if (roles.length > 0) {
    await insertRoles(tx, account.id, tenantId, roles);
    await recordRoleChange(tx, account.id, requireAdministrator(ctx.caller).user_id, eventId);
  }
  await appendUserEvent(outbox, tx, ctx, {
    type: "user.created",
    user: account,
    eventId,
    data: { is_verified: account.is_verified, invited: isInvited, roles: [...roles] },
  });
  return account.id;
}

function accountOf(id: string, tenantId: string, fields: Fields): NewAccount {
  const { email, username, full_name, is_verified, current_title = null, company = null, ...texts } = fields;
  const { location = null, bio = null } = texts;
  const account = newAccount({ id, email, username, full_name, is_verified }, tenantId);
  const described = { ...account, current_title, company, location, bio };
  return { ...described, ...derivedColumns(described) };
}

async function conflictOf(tx: Transaction, account: NewAccount): Promise<AppError> {
  const conflicts = await findConflictingAccounts(tx, account);
  return new AppError(conflicts.some((one) => one.same_email) ? "email_taken" : "username_taken");
}
