import { AppError } from "../../../lib/actions/errors.ts";
import type { Transaction } from "../../../mixins/database/database.mixin.ts";
import { accountLimit } from "./tenant-settings.ts";
import { countAccounts, findTenant, lockTenant } from "./tenants.repo.ts";

/**
 * Call it after the account is inserted. In a tenant with a limit, registrations are serialized, and each counts the ones
 * before it, so that concurrent ones can't exceed the limit.
 */
export async function assertWithinAccountLimit(tx: Transaction, tenantId: string): Promise<void> {
  const limit = await lockAccountLimit(tx, tenantId);
  if (limit !== null && (await countAccounts(tx, tenantId, limit + 1)) > limit)
    throw new AppError("tenant_limit_reached");
}

/** The number of accounts that the tenant may have. If there is a limit, the tenant is locked until the transaction ends. */
export async function lockAccountLimit(tx: Transaction, tenantId: string): Promise<number | null> {
  const tenant = await findTenant(tx, { id: tenantId });
  if (!tenant || accountLimit(tenant.settings) === null) return null;
  const locked = await lockTenant(tx, tenantId);
  return locked ? accountLimit(locked.settings) : null;
}
