import type { Clock, Timers } from "../runtime/clock.ts";
import { createLease, type Lease } from "./lease.ts";
import { createNodeRotation, type NodeRotation } from "./node-rotation.ts";
import {
  createRevocationIndex,
  type RevocableClaims,
  type Revocation,
  type RevocationIndex,
} from "./revocation-index.ts";

/** The nodes of the sessions service, which grant leases. */
export interface LeaseSource {
  nodes(): readonly string[];
  /** One page of the revocation log after `since`. Must reject within a second if the node does not answer. */
  renew(nodeId: string, since: number): Promise<LeasePage>;
}

export interface LeasePage {
  readonly changes: readonly Revocation[];
  /** Position in the revocation log to continue from. */
  readonly seq: number;
  /** True on the last page only, which grants the lease. */
  readonly granted: boolean;
  /** The requested position is older than the log: the pages hold everything that is still valid. */
  readonly full: boolean;
}

export interface LeaseKeeperOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  /** How long an expired lease still counts as held: REVOCATION_MAX_STALENESS_SECONDS. */
  readonly maxStalenessMs: number;
  /** How long an entry is kept: longer than a token signed before it can live. */
  readonly retentionMs: number;
  readonly onRenewalFailed: (nodeId: string, error: Error) => void;
  readonly onHeldChanged: (held: boolean) => void;
  /** Receives the keys of invalidated cache entries; `null` if the log no longer reaches back far enough to name them. */
  readonly onInvalidated?: ((keys: readonly string[] | null) => void) | undefined;
  /** Receives all entries, after they have been applied. */
  readonly onApplied?: ((changes: readonly Revocation[]) => void) | undefined;
}

const RENEWAL_INTERVAL_MS = 1_000;
/** Before the first lease: a starting node waits for nothing else. */
const FIRST_RENEWAL_INTERVAL_MS = 200;

/**
 * Keeps a lease and a copy of the revocation log. It requests a renewal once a second, from another node each time, and
 * does not wait for the previous request, so that one slow node cannot let the lease expire.
 */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #lease: Lease;
  readonly #revocations: RevocationIndex = createRevocationIndex();
  readonly #rotation: NodeRotation;
  readonly #pendingRenewals = new Set<Promise<void>>();
  #cancelTimer = (): void => undefined;
  /** The last position up to which the log was read completely. */
  #position = 0;
  #wasHeld = false;
  #hadLease = false;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
    this.#lease = createLease(options.clock, options.maxStalenessMs);
    this.#rotation = createNodeRotation(options.clock);
  }

  /** Requests a renewal now, and again periodically until `stop`. */
  start(source: LeaseSource): void {
    const { clock, timers, retentionMs } = this.#options;
    const renewal = this.#renew(source).finally(() => {
      this.#pendingRenewals.delete(renewal);
      this.#reportHeld();
    });
    this.#pendingRenewals.add(renewal);
    this.#revocations.dropEntriesBefore(clock.monotonic() - retentionMs);
    const interval = this.#hadLease ? RENEWAL_INTERVAL_MS : FIRST_RENEWAL_INTERVAL_MS;
    this.#cancelTimer = timers.after(interval, () => this.start(source));
  }

  /** Drops the lease at once. Resolves when no renewal is pending. */
  async stop(): Promise<void> {
    this.#cancelTimer();
    this.#lease.drop();
    await Promise.allSettled(this.#pendingRenewals);
  }

  /** Null for a token that is valid at this moment. */
  check(claims: RevocableClaims): null | "session_ended" | "token_stale" | "no_lease" {
    return this.#revocations.check(claims) ?? (this.#lease.isHeld() ? null : "no_lease");
  }

  /** Applies entries that were pushed between two renewals. The position does not move: the next renewal reads them too. */
  apply(changes: readonly Revocation[]): void {
    this.#revocations.apply(changes, this.#options.clock.monotonic());
    const keys = changes.filter((change) => change.kind === "cache").map((change) => change.key);
    if (keys.length > 0) this.#options.onInvalidated?.(keys);
    this.#options.onApplied?.(changes);
  }

  /** True if every committed revocation and cache invalidation is known here. */
  isHeld(): boolean {
    return this.#lease.isHeld();
  }

  /** Milliseconds since the last granted renewal was requested; null without a lease. */
  leaseAgeMs(): number | null {
    return this.#lease.ageMs();
  }

  async #renew(source: LeaseSource): Promise<void> {
    const node = this.#rotation.next(source.nodes());
    if (node === undefined) return;
    try {
      await this.#readAllPages((since) => source.renew(node, since));
      this.#rotation.recordSuccess(node);
    } catch (error) {
      this.#rotation.recordFailure(node);
      this.#options.onRenewalFailed(node, error as Error);
    }
  }

  /** Only the last page moves the position and grants the lease, counted from when that page was requested. */
  async #readAllPages(readPage: (since: number) => Promise<LeasePage>): Promise<void> {
    const startedAt = this.#options.clock.monotonic();
    const snapshot: Revocation[] = [];
    let isSnapshot = false;
    for (let since = this.#position; ; ) {
      const requestedAt = this.#lease.timestamp();
      const page = await readPage(since);
      isSnapshot ||= page.full;
      if (isSnapshot) snapshot.push(...page.changes);
      else this.apply(page.changes);
      since = page.seq;
      if (!page.granted) continue;
      if (isSnapshot) this.#replaceAll(snapshot, startedAt, since);
      else this.#position = Math.max(this.#position, since);
      return this.#lease.grant(requestedAt);
    }
  }

  /** Entries pushed since `startedAt` may be missing from the snapshot, so they stay. */
  #replaceAll(snapshot: readonly Revocation[], startedAt: number, position: number): void {
    this.#revocations.dropEntriesBefore(startedAt);
    this.#options.onInvalidated?.(null);
    this.apply(snapshot);
    this.#position = position;
  }

  #reportHeld(): void {
    const held = this.#lease.isHeld();
    if (held !== this.#wasHeld) this.#options.onHeldChanged(held);
    this.#wasHeld = held;
    this.#hadLease ||= held;
  }
}
