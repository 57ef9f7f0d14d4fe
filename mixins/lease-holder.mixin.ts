import type { ServiceBroker, ServiceSchema } from "moleculer";
import { AppError } from "../lib/actions/errors.ts";
import { type Actions, callAsService } from "../lib/actions/typed-call.ts";
import { LeaseKeeper, type LeaseSource } from "../lib/revocation/lease-keeper.ts";
import type { Revocation } from "../lib/revocation/revocation-index.ts";
import { newId } from "../lib/runtime/ids.ts";
import { listEndpoints } from "../lib/runtime/moleculer-internals.ts";
import type { Platform } from "../lib/runtime/platform.ts";

/** Lets a process check access tokens by itself: while it holds a lease, it knows every revocation. */
export interface LeaseHolder extends Pick<LeaseKeeper, "check" | "isHeld"> {
  /** Renews the lease while the service runs, and releases it when the service stops. */
  readonly mixin: Partial<ServiceSchema>;
  /** Handler of `action`. 404 for entries addressed to another process under the same node id. */
  applyEntries(params: Actions["gateway.applyRevocations"]["params"]): Actions["gateway.applyRevocations"]["result"];
}

export interface LeaseHolderOptions {
  readonly service: string;
  /** Full name of the action that passes its params to `applyEntries`. */
  readonly action: string;
  /** For a cache of the service's own tables. Such a cache allows no staleness, whatever REVOCATION_MODE allows for tokens. */
  readonly onInvalidated?: (keys: readonly string[] | null) => void;
  /** Receives the entries of the revocation log that `check` has just begun to take into account. */
  readonly onApplied?: (changes: readonly Revocation[]) => void;
}

type HolderPlatform = Pick<Platform, "clock" | "random" | "timers" | "config" | "log" | "metrics">;

const CALL_TIMEOUT_MS = 1_000;

export function createLeaseHolder(
  platform: HolderPlatform,
  { service, action, onInvalidated, onApplied }: LeaseHolderOptions,
): LeaseHolder {
  /** New for each process: one that restarts under the same node id holds no lease. */
  const gatewayId = newId(platform.clock, platform.random);
  const keeper = new LeaseKeeper({
    ...keeperOptions(platform, service),
    ...(onInvalidated && { onInvalidated, maxStalenessMs: 0 }),
    onApplied,
  });
  platform.metrics.leases.set(service, () => {
    const age = keeper.leaseAgeMs();
    return age === null ? null : age / 1_000;
  });
  const callOf = (broker: ServiceBroker) => callAsService(broker, service, gatewayId);
  const sourceOf = (broker: ServiceBroker): LeaseSource => ({
    nodes: () => nodesOf(broker),
    renew: (nodeId, since) =>
      callOf(broker)(
        "sessions.renewLease",
        { gateway_id: gatewayId, node_id: broker.nodeID, action, since },
        { nodeId, timeout: CALL_TIMEOUT_MS },
      ),
  });
  return {
    mixin: {
      async started(this: { broker: ServiceBroker }) {
        keeper.start(sourceOf(this.broker));
      },
      async stopped(this: { broker: ServiceBroker }) {
        await keeper.stop();
        const released = callOf(this.broker)(
          "sessions.releaseLease",
          { gateway_id: gatewayId },
          { timeout: CALL_TIMEOUT_MS },
        );
        await released.catch(() => undefined);
      },
    },
    check: (claims) => keeper.check(claims),
    isHeld: () => keeper.isHeld(),
    applyEntries({ gateway_id, changes }) {
      if (gateway_id !== gatewayId) throw new AppError("not_found");
      keeper.apply(changes);
      return { gateway_id };
    },
  };
}

function keeperOptions({ clock, timers, config, log }: HolderPlatform, service: string) {
  const { revocation, auth } = config;
  return {
    clock,
    timers,
    maxStalenessMs: revocation.maxStalenessSeconds * 1_000,
    // Plus 5 minutes for clock differences and late signers.
    retentionMs: (auth.accessTokenSeconds + 300) * 1_000,
    onRenewalFailed: (node: string, error: Error) => log.debug({ node, error: error.message }, "lease request failed"),
    onHeldChanged: (held: boolean) => {
      if (held) log.info({ service }, "lease held");
      else log.warn({ service }, "lease lost: cached state is distrusted until it is renewed");
    },
  };
}

function nodesOf(broker: ServiceBroker): string[] {
  const endpoints = listEndpoints(broker, "sessions.renewLease");
  return endpoints.filter(({ isAvailable }) => isAvailable).map(({ id }) => id);
}
