import { requireAdministrator } from "../../../lib/actions/caller.ts";
import { decodeCursor, encodeCursor } from "../../../lib/actions/cursor.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { findEndpoint } from "../endpoints/endpoints.repo.ts";
import type { WebhooksDeps } from "../webhooks.deps.ts";
import type { DeliveryRow } from "../webhooks.entities.ts";
import { listDeliveries as readDeliveries } from "./deliveries.repo.ts";

type Page = Actions["webhooks.deliveries"]["result"];
type Query = {
  readonly id: string;
  readonly state?: DeliveryRow["state"] | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
};

const SORT_ORDER = "webhook_deliveries";

/** There is no total, because counting the millions of deliveries of a busy webhook would be slow. */
export async function listDeliveries(
  { db }: Pick<WebhooksDeps, "db">,
  { caller, params: { id, state, limit, cursor } }: ActionContext<Query>,
): Promise<Page> {
  const { tenant_id } = requireAdministrator(caller);
  const after = cursor === undefined ? null : decodeCursor(SORT_ORDER, cursor);
  if (!(await findEndpoint(db, tenant_id, id))) throw new AppError("not_found");
  const found = await readDeliveries(db, { tenant_id, endpoint_id: id, state }, after, limit + 1);
  const items = found.slice(0, limit).map(viewDelivery);
  const last = found.length > limit ? items.at(-1) : undefined;
  const next_cursor = last ? encodeCursor(SORT_ORDER, { at: last.created_at, id: last.id }) : null;
  return { items, total: null, page: null, limit, next_cursor };
}

export function viewDelivery(row: DeliveryRow): Page["items"][number] {
  return {
    id: row.id,
    message_id: row.message_id,
    event_type: row.event_type,
    payload: JSON.parse(row.payload),
    state: row.state,
    attempts: row.attempts,
    last_attempt_at: row.last_attempt_at?.toISOString() ?? null,
    status_code: row.status_code,
    error: row.error,
    duration_ms: row.duration_ms,
    created_at: row.created_at.toISOString(),
  };
}
