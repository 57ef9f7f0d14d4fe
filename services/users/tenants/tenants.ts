import { requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { invalidateTokens } from "../../../lib/revocation/confirm-change.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { Transaction } from "../../../mixins/database.mixin.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import { appendTenantEvent } from "../core/user-events.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import type { StoredSettings } from "../users.entities.ts";
import { inviteAdmin } from "./invite-admin.ts";
import { assertWithinBounds } from "./tenant-settings.ts";
import * as repo from "./tenants.repo.ts";

type Tenant = Actions["users.tenant"]["result"];
type Deps = Pick<UsersDeps, "db" | "outbox" | "clock" | "random" | "bounds">;
type Ctx<K extends "tenants" | "tenant" | "createTenant" | "updateTenant"> = ActionContext<
  Actions[`users.${K}`]["params"]
>;

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

/** Creates the tenant and invites its first administrator, in one transaction. */
export function createTenant(deps: Deps, ctx: Ctx<"createTenant">): Promise<Tenant> {
  const { slug, name, admin_email } = ctx.params;
  return runIdempotently(deps.db, ctx, {
    userId: requireUser(ctx.caller).user_id,
    commit: async (tx) => {
      const row = await repo.insertTenant(tx, { id: newId(deps.clock, deps.random), slug, name });
      if (!row) throw new AppError("slug_taken");
      await appendTenantEvent(deps.outbox, tx, ctx, {
        type: "tenant.created",
        tenantId: row.id,
        scope: "none",
        data: { slug },
      });
      await inviteAdmin(deps, tx, ctx, row.id, admin_email);
      return viewTenant(row);
    },
  });
}

export async function updateTenant(deps: Deps, ctx: Ctx<"updateTenant">): Promise<Tenant> {
  return runIdempotently(deps.db, ctx, {
    userId: requireUser(ctx.caller).user_id,
    commit: (tx) => change(deps, tx, ctx),
    after: async ({ tenant, event_id }) => {
      if (event_id !== null) await invalidateTokens(ctx.call, { kind: "tenant", id: tenant.id, event_id });
      return tenant;
    },
  });
}

async function change(deps: Deps, tx: Transaction, ctx: Ctx<"updateTenant">) {
  const { id, name, settings: sent } = ctx.params;
  const current = await repo.lockTenant(tx, id);
  if (!current) throw new AppError("not_found");
  const settings = merge(current.settings, sent ?? {});
  assertWithinBounds(deps.bounds, settings);
  const changed = (Object.keys(sent ?? {}) as Array<keyof StoredSettings>).filter(
    (key) => settings[key] !== current.settings[key],
  );
  const renamed = name !== undefined && name !== current.name;
  if (changed.length === 0 && !renamed)
    return { tenant: viewTenant(current), event_id: sent ? current.settings_event_id : null };
  const scope = scopeOf(changed);
  const data = { updated_fields: [...(renamed ? ["name"] : []), ...changed] };
  const eventId = await appendTenantEvent(deps.outbox, tx, ctx, { type: "tenant.updated", tenantId: id, scope, data });
  const settings_event_id = changed.length > 0 ? eventId : current.settings_event_id;
  const row = await repo.updateTenant(tx, { ...current, name: name ?? current.name, settings, settings_event_id });
  if (!row) throw new AppError("not_found");
  return { tenant: viewTenant(row), event_id: scope === "tenant" ? eventId : null };
}

/** Access tokens depend on no other setting, so no other change invalidates the tokens issued before. */
function scopeOf(changed: readonly string[]): "tenant" | "none" {
  return changed.includes("access_token_minutes") ? "tenant" : "none";
}

function merge(current: StoredSettings, sent: NonNullable<Actions["users.updateTenant"]["params"]["settings"]>) {
  const all = Object.entries({ ...current, ...sent }).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(all) as StoredSettings;
}

function viewTenant({ id, slug, name, settings, created_at, updated_at }: repo.TenantRow): Tenant {
  return {
    id,
    slug,
    name,
    settings,
    created_at: created_at.toISOString(),
    updated_at: updated_at.toISOString(),
  };
}
