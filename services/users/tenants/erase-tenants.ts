import type { Logger } from "pino";
import type { Call } from "../../../lib/actions/typed-call.ts";
import type { Database } from "../../../mixins/database/database.mixin.ts";
import { deleteEmptyTenant, hasAccounts, listTenantsToErase, scheduleErasures } from "./tenants.repo.ts";

const BATCH = 1_000;

/**
 * Continues the deletion of tenants: makes the erasure of their accounts due, and once a tenant has no account
 * left, deletes its webhooks and then the tenant. Every step may be repeated.
 */
export async function eraseTenants(db: Database, log: Logger, call: Call): Promise<void> {
  for (const id of await listTenantsToErase(db)) {
    if ((await scheduleErasures(db, id, BATCH)) > 0) continue;
    if (await hasAccounts(db, id)) continue;
    await call("webhooks.eraseTenant", { tenant_id: id });
    if (await db.transaction((tx) => deleteEmptyTenant(tx, id))) log.info({ tenant_id: id }, "tenant deleted");
  }
}
