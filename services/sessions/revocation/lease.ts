import type { ParamsOf } from "../../../lib/actions/contract.ts";
import type { sessionsContract } from "../sessions.contract.ts";
import type { SessionsDeps } from "../sessions.deps.ts";
import { type LeasePage, renewLease } from "./leases.repo.ts";

const PAGE = 5_000;

export function lease(
  { leaseDb }: Pick<SessionsDeps, "leaseDb">,
  params: ParamsOf<typeof sessionsContract, "renewLease">,
): Promise<LeasePage> {
  const { gateway_id, node_id, action, since } = params;
  return renewLease(leaseDb, { gatewayId: gateway_id, nodeId: node_id, action, since, pageSize: PAGE });
}
