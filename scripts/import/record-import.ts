import type { Call } from "../../lib/actions/typed-call.ts";
import type { Clock } from "../../lib/runtime/clock.ts";
import { derivedId } from "../../lib/runtime/ids.ts";
import type { Checkpoint } from "./checkpoint.ts";

/** Records one event in the activity log of each tenant with imported accounts; may be repeated. */
export async function recordImport(call: Call, clock: Clock, { import_id, tenants }: Checkpoint): Promise<void> {
  for (const [slug, accounts] of Object.entries(tenants)) {
    const tenant = await call("users.findTenant", { slug });
    if (!tenant) continue;
    await call("admin.record", {
      id: derivedId(slug, import_id),
      tenant_id: tenant.id,
      action: "users.imported",
      actor_id: null,
      user_id: null,
      at: clock.now().toISOString(),
      ip: null,
      details: { accounts },
    });
  }
}
