import { requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { WebhooksDeps } from "../webhooks.deps.ts";
import { newSecret, openSecret, sealSecret } from "./endpoint-secret.ts";
import { lockEndpoint, replaceSecrets } from "./endpoints.repo.ts";
import { viewEndpoint } from "./view-endpoint.ts";
import { appendWebhookEvent } from "./webhook-events.ts";

type Rotate = Actions["webhooks.rotateSecret"];

/** The time in which a receiver can be given the new secret without missing a message. */
const OVERLAP_MS = 86_400_000;

/** A second rotation within the overlap drops the oldest secret, so that at most two secrets sign. */
export async function rotateSecret(
  { db, outbox, ring, clock, random }: WebhooksDeps,
  ctx: ActionContext<Rotate["params"]>,
): Promise<Rotate["result"]> {
  const { user_id, tenant_id } = requireUser(ctx.caller);
  const { id } = ctx.params;
  return runIdempotently(db, ctx, {
    userId: user_id,
    commit: async (tx) => {
      const current = await lockEndpoint(tx, tenant_id, id);
      if (!current) throw new AppError("not_found");
      const secret = sealSecret(ring, id, newSecret(random));
      const previous_secret_until = new Date(clock.now().getTime() + OVERLAP_MS);
      const next = { id, secret, previous_secret: current.secret, previous_secret_until };
      const row = await replaceSecrets(tx, next);
      await appendWebhookEvent({ outbox }, tx, ctx, { change: "secret_rotated", webhook_id: id });
      return { webhook: viewEndpoint(row, clock.now()), sealed: secret };
    },
    // The answer that is stored for the idempotency key contains the secret only sealed, so it is opened here.
    after: async ({ webhook, sealed }) => ({ ...webhook, secret: openSecret(ring, webhook.id, sealed) }),
  });
}
