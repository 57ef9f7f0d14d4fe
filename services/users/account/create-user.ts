import { AppError, fieldError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";
import { idTime } from "../../../lib/runtime/ids.ts";
import type { Transaction } from "../../../mixins/database/database.mixin.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import { defaultVisibility } from "../contract/users-shapes.contract.ts";
import { derivedColumns } from "../core/derived-columns.ts";
import { appendUserEvent } from "../core/user-events.ts";
import { type UserView, viewUser } from "../core/user-view.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import {
  findConflictingAccounts,
  insertAccount,
  insertRoles,
  isErased,
  type NewAccount,
  readUser,
} from "../core/users.repo.ts";
import { assertWithinAccountLimit } from "../tenants/tenant-limit.ts";
import { effectiveSettings, mayRegister, unknownTenant } from "../tenants/tenant-settings.ts";
import { findTenant, type TenantRow } from "../tenants/tenants.repo.ts";

type Params = Actions["users.create"]["params"];
type Created = Actions["users.create"]["result"];
type Deps = Pick<UsersDeps, "db" | "outbox" | "clock" | "bounds">;

/**
 * The commit point of a registration: before it nothing is visible, after it `user.created` drives the rest. A repeat with
 * the same id, after an answer was lost, resolves to the existing account.
 */
export async function createUser(deps: Deps, ctx: ActionContext<Params>): Promise<Created> {
  const { params } = ctx;
  assertRecentId(deps.clock, params.id);
  const tenant = await findTenant(deps.db, { slug: params.tenant });
  if (!tenant) throw unknownTenant();
  const tenantId = tenant.id;
  const { registration } = assertMayRegister(deps, tenant, params);
  const isHidden = params.is_verified !== true && (deps.bounds.preventUserEnumeration || registration === "domains");
  const account = isHidden ? newHiddenAccount(params, tenantId) : newAccount(params, tenantId);
  return runIdempotently(deps.db, ctx, {
    userId: account.id,
    commit: async (tx) => {
      if (!(await insertAccount(tx, account))) return { user: await findSameAccount(tx, account) };
      await assertWithinAccountLimit(tx, tenantId);
      await grantRoles(tx, account, params.roles ?? []);
      await appendUserEvent(deps.outbox, tx, ctx, {
        type: "user.created",
        user: account,
        data: { is_verified: account.is_verified, ...(params.actor !== undefined && { actor: params.actor }) },
      });
      return { user: await readBack(tx, account.id) };
    },
  });
}

/**
 * Decided before the address is looked up, so that the refusal does not tell whether it is registered. The seeded
 * administrator is no registration.
 */
function assertMayRegister({ bounds }: Deps, tenant: TenantRow, { email, roles }: Params) {
  const settings = effectiveSettings(bounds, tenant.settings);
  const isOpen = tenant.is_active && mayRegister(settings, email);
  if (roles === undefined && !isOpen) throw new AppError("registration_closed");
  return settings;
}

const MAX_AGE_MS = 10 * 60_000;

/**
 * The credential and the preferences are stored under this id before the account, and are swept after 24 hours without
 * one. So no account may be created with an old id. The error is 503 and not 4xx, because the caller retries with a new id.
 */
export function assertRecentId(clock: Clock, id: string): void {
  const age = clock.now().getTime() - createdAt(id);
  if (Math.abs(age) > MAX_AGE_MS)
    throw new AppError("service_unavailable", {
      retry_after: 1,
      cause: new Error(`The new user's id is ${age} ms old`),
    });
}

function createdAt(id: string): number {
  try {
    return idTime(id).getTime();
  } catch {
    throw fieldError("id", "invalid_id", "must be a UUIDv7");
  }
}

/** A row of an account with the given fields. */
export function newAccount(params: Omit<Params, "tenant" | "roles">, tenant_id: string): NewAccount {
  const { id, email, username = null, full_name = null, push_token = null } = params;
  return {
    ...{ id, tenant_id, email, username, full_name, push_token },
    ...derivedColumns({ email, username, full_name }),
    is_verified: params.is_verified ?? false,
    hidden_until_verified: false,
    requested_username: null,
    privacy_profile: params.privacy_profile ?? defaultVisibility.privacy_profile,
    privacy_location: params.privacy_location ?? defaultVisibility.privacy_location,
  };
}

/** Does not reserve its username: whether it is free afterwards would tell whether the account was created. */
function newHiddenAccount(params: Params, tenantId: string): NewAccount {
  const account = newAccount({ ...params, username: null }, tenantId);
  return { ...account, hidden_until_verified: true, requested_username: params.username ?? null };
}

/**
 * Returns the account if an earlier attempt of this registration created it; otherwise throws the reason for the
 * conflict.
 */
async function findSameAccount(tx: Transaction, account: NewAccount): Promise<UserView> {
  const conflicts = await findConflictingAccounts(tx, account);
  const same = conflicts.find((one) => one.id === account.id);
  if (same?.same_email) return readBack(tx, account.id);
  if (same) throw new AppError("conflict");
  if (conflicts.some((one) => one.same_email)) throw new AppError("email_taken");
  if (conflicts.length > 0) throw new AppError("username_taken");
  if (await isErased(tx, account.id)) throw new AppError("account_erased");
  throw new AppError("service_unavailable", {
    retry_after: 1,
    cause: new Error("The account that conflicted with the new one no longer exists"),
  });
}

async function grantRoles(tx: Transaction, account: NewAccount, roles: readonly string[]): Promise<void> {
  const requested = new Set(roles.filter((role) => role !== "user"));
  if (requested.size === 0) return;
  const granted = await insertRoles(tx, account.id, account.tenant_id, [...requested]);
  if (granted.length < requested.size)
    throw fieldError("roles", "unknown_role", "contains a role the tenant does not have");
}

async function readBack(tx: Transaction, id: string): Promise<UserView> {
  const row = await readUser(tx, id);
  if (!row) throw new AppError("account_erased");
  return viewUser(row);
}
