import { DEFAULT_TENANT_ID } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { invalidateTokens } from "../../../lib/revocation/confirm-change.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import { appendUserEvent } from "../core/user-events.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { insertRoles, lockAccount, updateAccount } from "../core/users.repo.ts";
import { readGrantedRoles } from "./roles.repo.ts";

type Params = Actions["users.appointAdministrator"]["params"];
type Deps = Pick<UsersDeps, "caches" | "outbox">;

/**
 * Gives an account of the default tenant the roles of the first administrator. Its address must be verified: otherwise
 * anyone who registered somebody else's address would become one.
 */
export async function appointAdministrator(
  { caches, outbox }: Deps,
  ctx: ActionContext<Params>,
): Promise<Record<string, never>> {
  const { id } = ctx.params;
  return runIdempotently(caches.invalidating(ctx.call, id), ctx, {
    userId: id,
    commit: async (tx) => {
      const account = await lockAccount(tx, id);
      if (account?.tenant_id !== DEFAULT_TENANT_ID) throw new AppError("not_found");
      if (!account.is_active) throw new AppError("account_disabled");
      if (!account.is_verified) throw new AppError("email_not_verified");
      const added = await insertRoles(tx, id, DEFAULT_TENANT_ID, ["admin", "vendor"]);
      if (added.length === 0) return account.roles_event_id;
      const data = { scope: "user", roles: await readGrantedRoles(tx, id), added, removed: [] };
      const eventId = await appendUserEvent(outbox, tx, ctx, { type: "role.changed", user: account, data });
      await updateAccount(tx, id, { roles_event_id: eventId });
      return eventId;
    },
    after: async (event_id) => {
      if (event_id !== null) await invalidateTokens(ctx.call, { kind: "user", id, event_id });
      return {};
    },
  });
}
