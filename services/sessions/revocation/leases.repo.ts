import type { Database } from "../../../mixins/database.mixin.ts";
import type { Change } from "../session/sessions.repo.ts";

/** These statements run on a pool of their own: a storm of refreshes on a shared one let every lease lapse. */
export interface Question {
  readonly gatewayId: string;
  readonly nodeId: string;
  readonly action: string;
  readonly since: number;
  readonly pageSize: number;
}

export interface LeaseAnswer {
  readonly changes: Change[];
  readonly seq: number;
  readonly granted: boolean;
  readonly full: boolean;
}

export async function renewLease(
  db: Database,
  { gatewayId, nodeId, action, since, pageSize }: Question,
): Promise<LeaseAnswer> {
  const [row] = await db.query<{ answer: LeaseAnswer }>("SELECT sessions.renew_lease($1, $2, $3, $4, $5) AS answer", [
    gatewayId,
    nodeId,
    action,
    since,
    pageSize,
  ]);
  return row?.answer as LeaseAnswer;
}

export async function deleteLease(db: Database, gatewayId: string): Promise<void> {
  await db.query("DELETE FROM sessions.leases WHERE gateway_id = $1", [gatewayId]);
}

export interface Holder {
  readonly gateway_id: string;
  readonly node_id: string;
  readonly action: string;
  /** Milliseconds that its lease still runs. */
  readonly remaining: number;
}

export function listHolders(db: Database): Promise<Holder[]> {
  return db.query(
    `SELECT gateway_id, node_id, action, ceil(extract(epoch FROM until - clock_timestamp()) * 1000)::int AS remaining
     FROM sessions.leases WHERE until >= clock_timestamp()`,
  );
}
