import { requireAdministrator } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import type { WebhooksDeps } from "../webhooks.deps.ts";
import type { EndpointRow } from "../webhooks.entities.ts";
import { findEndpoint, listEndpoints as readEndpoints } from "./endpoints.repo.ts";

type Webhook = Actions["webhooks.get"]["result"];
type Deps = Pick<WebhooksDeps, "db" | "clock">;

export async function listEndpoints({ db, clock }: Deps, { caller }: ActionContext): Promise<Webhook[]> {
  const rows = await readEndpoints(db, requireAdministrator(caller).tenant_id);
  return rows.map((row) => viewEndpoint(row, clock.now()));
}

export async function getEndpoint(
  { db, clock }: Deps,
  { caller, params }: ActionContext<{ readonly id: string }>,
): Promise<Webhook> {
  const row = await findEndpoint(db, requireAdministrator(caller).tenant_id, params.id);
  if (!row) throw new AppError("not_found");
  return viewEndpoint(row, clock.now());
}

export function viewEndpoint(row: EndpointRow, now: Date): Webhook {
  const until = row.previous_secret_until;
  return {
    id: row.id,
    url: row.url,
    description: row.description,
    event_types: row.event_types,
    is_enabled: row.is_enabled,
    disabled_reason: row.disabled_reason,
    failing_since: row.failing_since?.toISOString() ?? null,
    previous_secret_until: until && until > now ? until.toISOString() : null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}
