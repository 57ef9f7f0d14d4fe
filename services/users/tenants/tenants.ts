import { requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import { createWithoutPassword } from "../account/admin-create.ts";
import { appendTenantEvent } from "../core/user-events.ts";
import { isoOrNull } from "../core/user-view.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import type { StoredSettings } from "../users.entities.ts";
import * as repo from "./tenants.repo.ts";

type Tenant = Actions["users.tenant"]["result"];
type Deps = Pick<UsersDeps, "db" | "outbox" | "clock" | "random">;
type Ctx<K extends "tenants" | "tenant" | "createTenant"> = ActionContext<Actions[`users.${K}`]["params"]>;

export async function listTenants(
  { db }: Pick<Deps, "db">,
  { params: { page = 1, limit = 20 } }: Ctx<"tenants">,
): Promise<Actions["users.tenants"]["result"]> {
  const [at, size] = [Number(page), Number(limit)];
  const { rows, total } = await repo.listTenants(db, { offset: (at - 1) * size, limit: size });
  return { items: rows.map(viewTenant), total, page: at, limit: size, next_cursor: null };
}

export async function getTenant({ db }: Pick<Deps, "db">, { params }: Ctx<"tenant">): Promise<Tenant> {
  const row = await repo.findTenant(db, { id: params.id });
  if (!row) throw new AppError("not_found");
  return viewTenant(row);
}

/** A stranger who could join would see the tenant's directory, so that opening it is a decision of its own. */
const NEW_TENANT_SETTINGS: StoredSettings = { registration: "invited", upgrade: "permission" };

/** Creates the tenant and invites its first administrator, in one transaction. */
export function createTenant(deps: Deps, ctx: Ctx<"createTenant">): Promise<Tenant> {
  const { slug, name, admin_email } = ctx.params;
  return runIdempotently(deps.db, ctx, {
    userId: requireUser(ctx.caller).user_id,
    commit: async (tx) => {
      const settings = NEW_TENANT_SETTINGS;
      const row = await repo.insertTenant(tx, { id: newId(deps.clock, deps.random), slug, name, settings });
      await appendTenantEvent(deps.outbox, tx, ctx, {
        type: "tenant.created",
        tenantId: row.id,
        scope: "none",
        data: { slug },
      });
      await createWithoutPassword(deps, tx, ctx, {
        tenantId: row.id,
        fields: { email: admin_email },
        roles: ["admin"],
        isInvited: true,
      });
      return viewTenant(row);
    },
  });
}

export function viewTenant({ created_at, updated_at, delete_at, logo_hash, ...tenant }: repo.TenantRow): Tenant {
  const { settings_event_id: _, ...shown } = tenant;
  return {
    ...shown,
    logo: logo_hash,
    delete_at: isoOrNull(delete_at),
    created_at: created_at.toISOString(),
    updated_at: updated_at.toISOString(),
  };
}
