import { AppError } from "../../lib/errors.ts";
import type { Transaction } from "../../mixins/database.mixin.ts";
import { countAccounts, findTenant, lockTenant } from "./tenants.repo.ts";

/**
 * To be asked when the account is written. Where a tenant limits its accounts, its registrations take turns: each counts
 * those of whoever came before it, so n at once are no more than the limit.
 */
export async function refuseBeyondLimit(tx: Transaction, tenantId: string): Promise<void> {
  const tenant = await findTenant(tx, { id: tenantId });
  if (tenant?.settings.max_users === undefined) return;
  const limit = (await lockTenant(tx, tenantId))?.settings.max_users;
  if (limit !== undefined && (await countAccounts(tx, tenantId, limit + 1)) > limit) throw new AppError("tenant_full");
}
