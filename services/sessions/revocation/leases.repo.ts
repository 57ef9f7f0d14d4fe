import type { Database } from "../../../mixins/database/database.mixin.ts";
import type { RevocationEntry } from "../session/sessions.repo.ts";

export interface LeaseRequest {
  readonly gateway_id: string;
  readonly node_id: string;
  readonly action: string;
  readonly since: number;
}

export interface LeasePage {
  readonly changes: RevocationEntry[];
  readonly seq: number;
  readonly granted: boolean;
  readonly full: boolean;
}

const ENTRIES_PER_PAGE = 5_000;

export async function renewLease(
  db: Database,
  { gateway_id, node_id, action, since }: LeaseRequest,
): Promise<LeasePage> {
  const sql = "SELECT sessions.renew_lease($1, $2, $3, $4, $5) AS page";
  const [row] = await db.query<{ page: LeasePage }>(sql, [gateway_id, node_id, action, since, ENTRIES_PER_PAGE]);
  return row?.page as LeasePage;
}

export async function deleteLease(db: Database, gatewayId: string): Promise<void> {
  await db.query("DELETE FROM sessions.leases WHERE gateway_id = $1", [gatewayId]);
}

export interface LeaseHolder {
  readonly gateway_id: string;
  readonly node_id: string;
  readonly action: string;
  /** Milliseconds until the lease expires. */
  readonly remaining: number;
}

export function listHolders(db: Database): Promise<LeaseHolder[]> {
  return db.query(
    `SELECT gateway_id, node_id, action, ceil(extract(epoch FROM until - clock_timestamp()) * 1000)::int AS remaining
     FROM sessions.leases WHERE until >= clock_timestamp()`,
  );
}
