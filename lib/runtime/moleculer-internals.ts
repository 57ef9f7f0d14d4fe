import type { ServiceBroker } from "moleculer";

// What we read of Moleculer beyond its types. test/unit/moleculer-internals.test.ts fails if an upgrade changes it.

/** An action at a node. `state` is false while its circuit breaker is open; then it is not available either. */
export interface Endpoint {
  readonly id: string;
  readonly state: boolean;
  readonly isAvailable: boolean;
}

export interface RegistryNode {
  readonly id: string;
  readonly available: boolean;
  readonly client?: { readonly version?: string; readonly langVersion?: string };
  readonly metadata?: { readonly version?: string };
  readonly services?: ReadonlyArray<{ readonly name: string; readonly version?: string | number }>;
}

interface Internals {
  readonly transit?: {
    readonly pendingRequests: { readonly size: number };
    readonly tx: { readonly connected: boolean };
  };
  readonly registry: {
    readonly actions: { list(options: object): ReadonlyArray<{ readonly endpoints?: readonly Endpoint[] }> };
    getActionEndpoints(name: string): { readonly endpoints: readonly Endpoint[] } | undefined;
    getServiceList(options: { readonly grouping: boolean }): ReadonlyArray<{ readonly fullName: string }>;
    getNodeList(options: { readonly withServices: boolean }): RegistryNode[];
  };
}

const internals = (broker: ServiceBroker): Internals => broker as unknown as Internals;

/** False while NATS is unavailable. Always true for a mesh in one process. */
export function isOnBus(broker: ServiceBroker): boolean {
  return internals(broker).transit?.tx.connected ?? true;
}

/** Calls over NATS that wait for their response. */
export function countPendingRequests(broker: ServiceBroker): number {
  return internals(broker).transit?.pendingRequests.size ?? 0;
}

export function listEndpoints(broker: ServiceBroker, action: string): readonly Endpoint[] {
  return internals(broker).registry.getActionEndpoints(action)?.endpoints ?? [];
}

/** Full names of the services that some node offers, with their version: `v2.jobs`. */
export function listServices(broker: ServiceBroker): readonly string[] {
  return internals(broker)
    .registry.getServiceList({ grouping: true })
    .map(({ fullName }) => fullName);
}

/** Endpoints that this node does not call for now. */
export function countOpenBreakers(broker: ServiceBroker): number {
  const actions = internals(broker).registry.actions.list({ withEndpoints: true });
  return actions.flatMap(({ endpoints = [] }) => endpoints).filter((endpoint) => !endpoint.state).length;
}

export function listNodes(broker: ServiceBroker): RegistryNode[] {
  return internals(broker).registry.getNodeList({ withServices: true });
}

/** Emitted on the broker's local bus when this node is about to stop. */
export const NODE_LEAVING = "$usermesh.leaving";
