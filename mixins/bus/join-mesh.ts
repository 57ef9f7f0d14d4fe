import type { EventEmitter } from "node:events";

/** Parts of Moleculer's transit that its types lack; test/unit/moleculer-internals.test.ts names its version. */
export interface JoiningTransit {
  connected: boolean;
  isReady: boolean;
  __connectResolve: ((value: null) => void) | null;
  makeSubscriptions(): Promise<unknown>;
  readonly discoverer: { sendLocalNodeInfo(): Promise<unknown>; discoverAllNodes(): Promise<unknown> };
  readonly broker: { readonly localBus: EventEmitter; broadcastLocal(event: string, payload: object): void };
}

const QUIET_MS = 100;
const MAX_WAIT_MS = 500;

/**
 * What Moleculer's transit does once it is connected. It then always waits half a second for other nodes, which answer
 * within milliseconds; this waits until no further node has answered for `quietMs`.
 */
export async function joinMesh(
  transit: JoiningTransit,
  wasReconnect: boolean,
  quietMs: number = QUIET_MS,
): Promise<void> {
  if (wasReconnect) await transit.discoverer.sendLocalNodeInfo();
  else await transit.makeSubscriptions();
  await transit.discoverer.discoverAllNodes();
  await othersAnswered(transit.broker.localBus, quietMs);
  transit.connected = true;
  transit.broker.broadcastLocal("$transporter.connected", { wasReconnect });
  if (!transit.__connectResolve) return;
  transit.isReady = true;
  transit.__connectResolve(null);
  transit.__connectResolve = null;
}

function othersAnswered(localBus: EventEmitter, quietMs: number): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(quiet);
      clearTimeout(latest);
      localBus.off("$node.connected", onNode);
      resolve();
    };
    const quiet = setTimeout(finish, quietMs);
    const latest = setTimeout(finish, MAX_WAIT_MS);
    const onNode = () => void quiet.refresh();
    localBus.on("$node.connected", onNode);
  });
}
