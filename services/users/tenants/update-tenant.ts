import { isDeepStrictEqual } from "node:util";
import { DEFAULT_TENANT_ID, requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import { assertUnchanged } from "../../../lib/actions/preconditions.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { invalidateTokens } from "../../../lib/revocation/confirm-change.ts";
import type { Transaction } from "../../../mixins/database/database.mixin.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import { appendTenantEvent } from "../core/user-events.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import type { StoredSettings } from "../users.entities.ts";
import { readLogo } from "./tenant-brand.ts";
import { assertWithinBounds } from "./tenant-settings.ts";
import * as repo from "./tenants.repo.ts";
import { viewTenant } from "./tenants.ts";

type Params = Omit<Actions["users.updateTenant"]["params"], "logo"> & {
  /** A PNG in base64; null removes the logo. */
  readonly logo?: string | null | undefined;
};
type Tenant = Actions["users.updateTenant"]["result"];
type Deletion = Actions["users.deleteTenant"]["result"];
type Deps = Pick<UsersDeps, "db" | "outbox" | "clock" | "bounds">;

/** The columns that a change of a tenant writes. */
type Changed = Pick<repo.TenantRow, "slug" | "name" | "settings" | "is_active" | "delete_at" | "logo_hash">;

export async function updateTenant(deps: Deps, ctx: ActionContext<Params>): Promise<Tenant> {
  const logo = typeof ctx.params.logo === "string" ? readLogo(ctx.params.logo) : undefined;
  const decide = (current: repo.TenantRow): Changed => {
    const { name = current.name, slug = current.slug, is_active = current.is_active, settings } = ctx.params;
    const merged = merge(current.settings, settings ?? {});
    assertWithinBounds(deps.bounds, merged);
    const logo_hash = ctx.params.logo === undefined ? current.logo_hash : (logo?.hash ?? null);
    return { name, slug, is_active, settings: merged, delete_at: is_active ? null : current.delete_at, logo_hash };
  };
  return change(deps, ctx, decide, logo?.png);
}

/** A repeated deletion keeps the earlier date. Without a date the tenant is disabled, and nothing of it is erased. */
export async function deleteTenant(
  deps: Deps & { readonly graceDays: number | null },
  ctx: ActionContext<Actions["users.deleteTenant"]["params"]>,
): Promise<Deletion> {
  const { delete_at } = await change(deps, ctx, (current) => {
    const days = ctx.params.erase ? 0 : deps.graceDays;
    if (days === null) return { ...current, is_active: false };
    const due = deps.clock.now().getTime() + days * DAY_MS;
    const delete_at = new Date(Math.min(due, current.delete_at?.getTime() ?? due));
    return { ...current, is_active: false, delete_at };
  });
  return { erase_at: delete_at };
}

const DAY_MS = 86_400_000;

function change(
  deps: Deps,
  ctx: ActionContext<{ readonly id: string }>,
  decide: (current: repo.TenantRow) => Changed,
  png?: Buffer,
): Promise<Tenant> {
  return runIdempotently(deps.db, ctx, {
    userId: requireUser(ctx.caller).user_id,
    commit: (tx) => commit(deps, tx, ctx, decide, png),
    after: async ({ tenant, event_id }) => {
      if (event_id !== null) await invalidateTokens(ctx.call, { kind: "tenant", id: tenant.id, event_id });
      return tenant;
    },
  });
}

async function commit(
  deps: Deps,
  tx: Transaction,
  ctx: ActionContext<{ readonly id: string }>,
  decide: (current: repo.TenantRow) => Changed,
  png: Buffer | undefined,
) {
  const { id } = ctx.params;
  const current = await repo.lockTenant(tx, id);
  if (!current) throw new AppError("not_found");
  assertUnchanged(ctx, current.updated_at);
  const next = { ...current, ...decide(current) };
  const updated_fields = changedFields(current, next);
  // A repeated request waits again for the tokens to be invalidated.
  if (updated_fields.length === 0) return { tenant: viewTenant(current), event_id: current.settings_event_id };
  assertMayChange(deps, current, next);
  const scope = scopeOf(updated_fields);
  const event = { type: "tenant.updated", tenantId: id, scope, data: { updated_fields } } as const;
  const eventId = await appendTenantEvent(deps.outbox, tx, ctx, event);
  const settings_event_id = scope === "tenant" ? eventId : current.settings_event_id;
  if (updated_fields.includes("logo")) await repo.replaceLogo(tx, id, png);
  const row = await repo.updateTenant(tx, { ...next, settings_event_id });
  if (!row) throw new AppError("not_found");
  return { tenant: viewTenant(row), event_id: scope === "tenant" ? eventId : null };
}

function assertMayChange({ clock }: Deps, current: repo.TenantRow, next: repo.TenantRow): void {
  const isDefault = current.id === DEFAULT_TENANT_ID;
  if (isDefault && (next.slug !== current.slug || !next.is_active))
    throw new AppError("forbidden", { message: "The default tenant can't be renamed, disabled or deleted." });
  if (current.delete_at && current.delete_at <= clock.now()) throw new AppError("tenant_erased");
}

/** The names of the fields and settings that differ; a setting is named without the prefix `settings.`. */
function changedFields(current: repo.TenantRow, next: repo.TenantRow): string[] {
  const fields = (["name", "slug", "is_active", "delete_at"] as const).filter(
    (name) => !isDeepStrictEqual(current[name], next[name]),
  );
  const settings = Object.keys({ ...current.settings, ...next.settings }) as Array<keyof StoredSettings>;
  const logo = current.logo_hash === next.logo_hash ? [] : ["logo"];
  return [
    ...fields,
    ...logo,
    ...settings.filter((key) => !isDeepStrictEqual(current.settings[key], next.settings[key])),
  ];
}

/** Only these fields affect access tokens, so no other change invalidates earlier tokens. */
function scopeOf(changed: readonly string[]): "tenant" | "none" {
  return changed.includes("access_token_minutes") || changed.includes("is_active") ? "tenant" : "none";
}

function merge(current: StoredSettings, sent: NonNullable<Params["settings"]>): StoredSettings {
  const all = Object.entries({ ...current, ...sent }).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(all) as StoredSettings;
}
