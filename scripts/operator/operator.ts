import { userInfo } from "node:os";
import type { ServiceBroker } from "moleculer";
import type { Meta, OperatorCaller } from "../../lib/actions/caller.ts";
import { type ActionName, type Actions, definitionOf } from "../../lib/actions/typed-call.ts";
import { systemClock } from "../../lib/runtime/clock.ts";
import { newId } from "../../lib/runtime/ids.ts";
import type { NodeStats } from "../../mixins/bus/node-stats.ts";
import type { Print } from "../run/terminal.ts";

/** What the commands work with. One for the REPL, or for one run of `usermesh`. */
export interface Operator {
  readonly broker: ServiceBroker;
  /** The bus as it is shown: `npm start`, `npm run mesh`, or a URL without its password. */
  readonly mesh: string;
  readonly caller: OperatorCaller;
  readonly call: OperatorCall;
  /** Null if the node does not answer within a second. */
  stats(nodeId: string): Promise<NodeStats | null>;
  readonly print: Print;
  /** Of the terminal. */
  readonly columns: number;
  readonly isTerminal: boolean;
}

/** A call as an operator, in the default tenant or in another one. */
export type OperatorCall = <K extends ActionName>(
  name: K,
  params: Actions[K]["params"],
  tenantId?: string,
) => Promise<Actions[K]["result"]>;

const STATS_TIMEOUT_MS = 1_000;
const DEFAULT_COLUMNS = 80;

export function createOperator(broker: ServiceBroker, mesh: string, print: Print): Operator {
  const caller: OperatorCaller = { kind: "operator", name: userInfo().username };
  return {
    broker,
    mesh,
    caller,
    async call(name, params, tenantId) {
      const timeout = definitionOf(name)?.timeout;
      const meta: Meta = {
        caller: { ...caller, ...(tenantId !== undefined && { tenant_id: tenantId }) },
        correlation_id: newId(systemClock),
      };
      const options = { meta, ...(timeout !== undefined && { timeout }) };
      return (await broker.call(name, params, options)) as Actions[typeof name]["result"];
    },
    async stats(nodeID) {
      const response = broker.call("$node.stats", {}, { nodeID, timeout: STATS_TIMEOUT_MS }) as Promise<NodeStats>;
      return response.catch(() => null);
    },
    print,
    get columns() {
      return process.stdout.columns || DEFAULT_COLUMNS;
    },
    isTerminal: process.stdout.isTTY === true,
  };
}
