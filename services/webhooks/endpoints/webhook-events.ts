import { originOf, requireUser } from "../../../lib/actions/caller.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { Transaction } from "../../../mixins/database/database.mixin.ts";
import type { WebhooksDeps } from "../webhooks.deps.ts";

export interface WebhookChange {
  readonly change: "created" | "updated" | "deleted" | "secret_rotated" | "tested" | "redelivered";
  readonly webhook_id: string;
  readonly updated_fields?: readonly string[];
}

/**
 * Records a change for the activity log. Like the events of roles, it is filed under the user who acted. It never contains
 * the URL, because URLs often contain secrets.
 */
export async function appendWebhookEvent(
  { outbox }: Pick<WebhooksDeps, "outbox">,
  tx: Transaction,
  ctx: Pick<ActionContext, "caller" | "client" | "correlationId">,
  change: WebhookChange,
): Promise<void> {
  const { user_id: userId, tenant_id: tenantId } = requireUser(ctx.caller);
  const data = { ...change, scope: "none", ...originOf(ctx) };
  await outbox.append(tx, { type: "webhook.changed", userId, tenantId, correlationId: ctx.correlationId, data });
}
