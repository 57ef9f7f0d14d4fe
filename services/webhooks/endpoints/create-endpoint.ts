import { requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { Transaction } from "../../../mixins/database/database.mixin.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { WebhooksDeps } from "../webhooks.deps.ts";
import { newSecret, openSecret, sealSecret } from "./endpoint-secret.ts";
import { assertUsableUrl } from "./endpoint-url.ts";
import * as repo from "./endpoints.repo.ts";
import { viewEndpoint } from "./view-endpoint.ts";
import { appendWebhookEvent } from "./webhook-events.ts";

type Create = Actions["webhooks.create"];

/** Each event of a tenant is sent to all its endpoints, so that their number multiplies the work. */
const MAX_PER_TENANT = 20;

export async function createEndpoint(
  deps: WebhooksDeps,
  ctx: ActionContext<Create["params"]>,
): Promise<Create["result"]> {
  const { user_id, tenant_id } = requireUser(ctx.caller);
  const { url, description = null, event_types = null } = ctx.params;
  assertUsableUrl(deps.settings, url);
  return runIdempotently(deps.db, ctx, {
    userId: user_id,
    commit: async (tx) => {
      await assertMayCreate(tx, tenant_id);
      const id = newId(deps.clock, deps.random);
      const secret = sealSecret(deps.ring, id, newSecret(deps.random));
      const row = await repo.insertEndpoint(tx, { id, tenant_id, url, description, event_types, secret });
      await appendWebhookEvent(deps, tx, ctx, { change: "created", webhook_id: id });
      return { webhook: viewEndpoint(row, deps.clock.now()), sealed: secret };
    },
    // The answer that is stored for the idempotency key contains the secret only sealed, so it is opened here.
    after: async ({ webhook, sealed }) => ({ ...webhook, secret: openSecret(deps.ring, webhook.id, sealed) }),
  });
}

async function assertMayCreate(tx: Transaction, tenantId: string): Promise<void> {
  await repo.lockTenant(tx, tenantId);
  if (await repo.isTenantErased(tx, tenantId)) throw new AppError("tenant_erased");
  if ((await repo.countEndpoints(tx, tenantId)) >= MAX_PER_TENANT) throw new AppError("webhook_limit_reached");
}
