import type { Database } from "../../../mixins/database.mixin.ts";
import type { RevocationEntry } from "../session/sessions.repo.ts";

/** These statements run on a pool of their own: a storm of refreshes on a shared one let every lease lapse. */
export interface LeaseRequest {
  readonly gatewayId: string;
  readonly nodeId: string;
  readonly action: string;
  readonly since: number;
  readonly pageSize: number;
}

export interface LeasePage {
  readonly changes: RevocationEntry[];
  readonly seq: number;
  readonly granted: boolean;
  readonly full: boolean;
}

export async function renewLease(
  db: Database,
  { gatewayId, nodeId, action, since, pageSize }: LeaseRequest,
): Promise<LeasePage> {
  const [row] = await db.query<{ answer: LeasePage }>("SELECT sessions.renew_lease($1, $2, $3, $4, $5) AS answer", [
    gatewayId,
    nodeId,
    action,
    since,
    pageSize,
  ]);
  return row?.answer as LeasePage;
}

export async function deleteLease(db: Database, gatewayId: string): Promise<void> {
  await db.query("DELETE FROM sessions.leases WHERE gateway_id = $1", [gatewayId]);
}

export interface LeaseHolder {
  readonly gateway_id: string;
  readonly node_id: string;
  readonly action: string;
  /** Milliseconds that its lease still runs. */
  readonly remaining: number;
}

export function listHolders(db: Database): Promise<LeaseHolder[]> {
  return db.query(
    `SELECT gateway_id, node_id, action, ceil(extract(epoch FROM until - clock_timestamp()) * 1000)::int AS remaining
     FROM sessions.leases WHERE until >= clock_timestamp()`,
  );
}
