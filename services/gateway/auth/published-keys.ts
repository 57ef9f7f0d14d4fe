import { importJWK } from "jose";
import type * as z from "zod";
import { AppError } from "../../../lib/actions/errors.ts";
import type { Clock, Timers } from "../../../lib/runtime/clock.ts";
import type { Jwk } from "../../auth/contract/signing-keys.contract.ts";

export type PublishedKey = z.infer<typeof Jwk>;

export interface VerifyKey {
  readonly alg: PublishedKey["alg"];
  readonly key: Awaited<ReturnType<typeof importJWK>>;
}

export interface PublishedKeys {
  /** Null for an unknown id, after fetching new keys at most once a second. Rejects with 503 before the first fetch. */
  find(kid: string): Promise<VerifyKey | null>;
  /** The last fetched keys, kept while auth is unavailable; null before the first fetch. */
  readonly latest: { readonly keys: readonly PublishedKey[] } | null;
  start(): void;
  stop(): void;
}

interface Deps {
  readonly clock: Clock;
  readonly timers: Timers;
  fetchKeys(): Promise<{ readonly keys: readonly PublishedKey[] }>;
  onFailure(error: unknown): void;
}

const REFRESH_INTERVAL_MS = 10_000;
/** Until the first keys are fetched. Short, because a starting gateway is otherwise ready by then. */
const RETRY_INTERVAL_MS = 100;
const MIN_INTERVAL_MS = 1_000;

/** Keeps the signing keys that auth publishes, so that a token is verified without a call. */
export function createPublishedKeys(deps: Deps): PublishedKeys {
  let latest: PublishedKeys["latest"] = null;
  let byKid: ReadonlyMap<string, VerifyKey> = new Map();
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let fetching: Promise<void> | null = null;
  let cancel: (() => void) | undefined;

  const fetchKeys = async (): Promise<void> => {
    fetchedAt = deps.clock.monotonic();
    const set = await deps.fetchKeys();
    byKid = new Map(await Promise.all(set.keys.map(async (jwk) => [jwk.kid, await importKey(jwk)] as const)));
    latest = set;
  };
  // Concurrent callers share one fetch.
  const refresh = (): Promise<void> => {
    fetching ??= fetchKeys()
      .catch(deps.onFailure)
      .finally(() => {
        fetching = null;
      });
    return fetching;
  };
  const loop = (): void => {
    void refresh().then(() => {
      if (cancel) cancel = deps.timers.after(latest ? REFRESH_INTERVAL_MS : RETRY_INTERVAL_MS, loop);
    });
  };
  return {
    get latest() {
      return latest;
    },
    async find(kid) {
      if (!byKid.has(kid)) {
        // Without any keys nobody can be let in, so the first request after a start asks at once and does not wait for the loop.
        const mayRefresh = !latest || fetching !== null || deps.clock.monotonic() - fetchedAt >= MIN_INTERVAL_MS;
        if (mayRefresh) await refresh();
      }
      if (!latest) throw new AppError("service_unavailable", { retry_after: 1 });
      return byKid.get(kid) ?? null;
    },
    start() {
      cancel = () => undefined;
      loop();
    },
    stop() {
      cancel?.();
      cancel = undefined;
    },
  };
}

async function importKey(jwk: PublishedKey): Promise<VerifyKey> {
  return { alg: jwk.alg, key: await importJWK(jwk, jwk.alg) };
}
