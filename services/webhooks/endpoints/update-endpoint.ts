import { isDeepStrictEqual } from "node:util";
import { requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import { assertUnchanged } from "../../../lib/actions/preconditions.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { WebhooksDeps } from "../webhooks.deps.ts";
import type { EndpointRow } from "../webhooks.entities.ts";
import { assertUsableUrl } from "./endpoint-url.ts";
import * as repo from "./endpoints.repo.ts";
import { viewEndpoint } from "./view-endpoint.ts";
import { appendWebhookEvent } from "./webhook-events.ts";

type Update = Actions["webhooks.update"];
type Params = Update["params"];

const fields = ["url", "description", "event_types", "is_enabled"] as const;

/** Changes only the fields that are sent. A new URL, or enabling the endpoint, clears the record of earlier failures. */
export async function updateEndpoint(deps: WebhooksDeps, ctx: ActionContext<Params>): Promise<Update["result"]> {
  const { user_id, tenant_id } = requireUser(ctx.caller);
  const { id, url } = ctx.params;
  if (url !== undefined) assertUsableUrl(deps.settings, url);
  return runIdempotently(deps.db, ctx, {
    userId: user_id,
    commit: async (tx) => {
      const current = await repo.lockEndpoint(tx, tenant_id, id);
      if (!current) throw new AppError("not_found");
      assertUnchanged(ctx, current.updated_at);
      const next = change(current, ctx.params);
      const updated_fields = fields.filter((name) => !isDeepStrictEqual(current[name], next[name]));
      if (updated_fields.length === 0) return viewEndpoint(current, deps.clock.now());
      await appendWebhookEvent(deps, tx, ctx, { change: "updated", webhook_id: id, updated_fields });
      return viewEndpoint(await repo.updateEndpoint(tx, next), deps.clock.now());
    },
  });
}

function change(current: EndpointRow, { url, description, event_types, is_enabled }: Params): EndpointRow {
  const next = {
    ...current,
    url: url ?? current.url,
    description: description === undefined ? current.description : description,
    event_types: event_types === undefined ? current.event_types : event_types,
    is_enabled: is_enabled ?? current.is_enabled,
  };
  const isRestarted = next.url !== current.url || (next.is_enabled && !current.is_enabled);
  return {
    ...next,
    disabled_reason: next.is_enabled ? null : (current.disabled_reason ?? "administrator"),
    ...(isRestarted && { failing_since: null, retry_at: null }),
  };
}
