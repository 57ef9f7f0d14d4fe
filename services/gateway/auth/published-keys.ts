import { importJWK } from "jose";
import type * as z from "zod";
import { AppError } from "../../../lib/actions/errors.ts";
import type { Clock, Timers } from "../../../lib/runtime/clock.ts";
import type { Jwk } from "../../auth/auth.contract.ts";

export type PublishedKey = z.infer<typeof Jwk>;
type VerifyKey = Awaited<ReturnType<typeof importJWK>>;

export interface PublishedKeys {
  /** The key of this id; asks for the set again where it is not known, at most once a second. 503 while none was ever had. */
  find(kid: string): Promise<VerifyKey | null>;
  /** What was published last, also while auth is away; null before the first answer. */
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

const REFRESH_MS = 10_000;
const RETRY_MS = 500;
const MIN_MS_BETWEEN = 1_000;

/** The signing keys that auth publishes, kept in this process: a token is checked without asking anybody. */
export function createPublishedKeys(deps: Deps): PublishedKeys {
  let latest: PublishedKeys["latest"] = null;
  let byKid: ReadonlyMap<string, VerifyKey> = new Map();
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | null = null;
  let cancel: (() => void) | undefined;

  const ask = async (): Promise<void> => {
    askedAt = deps.clock.monotonic();
    const set = await deps.fetchKeys();
    byKid = new Map(await Promise.all(set.keys.map(async (key) => [key.kid, await importJWK(key, "EdDSA")] as const)));
    latest = set;
  };
  /** One question at a time, whoever wants the answer. */
  const refresh = (): Promise<void> => {
    asking ??= ask()
      .catch(deps.onFailure)
      .finally(() => {
        asking = null;
      });
    return asking;
  };
  const loop = (): void => {
    void refresh().then(() => {
      if (cancel) cancel = deps.timers.after(latest ? REFRESH_MS : RETRY_MS, loop);
    });
  };
  return {
    get latest() {
      return latest;
    },
    async find(kid) {
      if (!byKid.has(kid)) {
        const mayAsk = asking !== null || deps.clock.monotonic() - askedAt >= MIN_MS_BETWEEN;
        if (mayAsk) await refresh();
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
