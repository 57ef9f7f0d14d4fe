import type { ServiceBroker, ServiceSchema } from "moleculer";
import { AppError } from "../lib/actions/errors.ts";
import { type Actions, callAsService } from "../lib/actions/typed-call.ts";
import { createLeaseKeeper, type LeaseKeeper, type LeaseSource } from "../lib/revocation/lease-keeper.ts";
import { newId } from "../lib/runtime/ids.ts";
import type { Platform } from "../lib/runtime/platform.ts";

/** Everyone who checks access tokens by himself holds a lease: what he doesn't know to be void is good until it ends. */
export interface LeaseHolder extends Pick<LeaseKeeper, "check" | "ready" | "held"> {
  /** Asks while the service runs, gives the lease back when it stops. */
  readonly mixin: Partial<ServiceSchema>;
  /** Handler of `action`. Rejects what is meant for another process of this node's name. */
  applyEntries(params: Actions["gateway.applyRevocations"]["params"]): Actions["gateway.applyRevocations"]["result"];
}

export interface LeaseHolderOptions {
  readonly service: string;
  /** Full name of the action that hands its params to `revoked`. */
  readonly action: string;
  /** For a cache of the service's own tables: a lease is no longer held than it runs, whatever REVOCATION_MODE says of tokens. */
  readonly onInvalidated?: (keys: readonly string[] | null) => void;
}

type HolderPlatform = Pick<Platform, "clock" | "random" | "timers" | "config" | "log" | "metrics">;

const ASK_TIMEOUT_MS = 1_000;

export function createLeaseHolder(
  platform: HolderPlatform,
  { service, action, onInvalidated }: LeaseHolderOptions,
): LeaseHolder {
  /** Fresh for each process: who comes back under an old name holds nothing. */
  const gatewayId = newId(platform.clock, platform.random);
  const keeper = createLeaseKeeper({
    ...keeperOptions(platform, service),
    ...(onInvalidated && { onInvalidated, afterwardsMs: 0 }),
  });
  platform.metrics.leases.set(service, () => {
    const age = keeper.age();
    return age === null ? null : age / 1_000;
  });
  const callOf = (broker: ServiceBroker) => callAsService(broker, service, gatewayId);
  const sourceOf = (broker: ServiceBroker): LeaseSource => ({
    nodes: () => nodesOf(broker),
    renew: (nodeId, since) =>
      callOf(broker)(
        "sessions.renewLease",
        { gateway_id: gatewayId, node_id: broker.nodeID, action, since },
        { nodeId, timeout: ASK_TIMEOUT_MS },
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
          { timeout: ASK_TIMEOUT_MS },
        );
        await released.catch(() => undefined);
      },
    },
    check: keeper.check,
    ready: keeper.ready,
    held: keeper.held,
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
    afterwardsMs: revocation.maxStalenessSeconds * 1_000,
    // 5 min for clocks that differ and signers that are late.
    keepMs: (auth.accessTokenSeconds + 300) * 1_000,
    onQuestionFailed: (node: string, error: Error) => log.debug({ node, error: error.message }, "lease request failed"),
    onHeldChanged: (held: boolean) => {
      if (held) log.info({ service }, "lease held");
      else log.warn({ service }, "lease lost: cached state is distrusted until it is renewed");
    },
  };
}

function nodesOf(broker: ServiceBroker): string[] {
  const endpoints = broker.registry.actions.get("sessions.renewLease")?.endpoints ?? [];
  return endpoints.filter((one) => one.isAvailable).map((one) => one.id);
}
