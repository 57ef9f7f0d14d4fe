import type { KeyObject } from "node:crypto";
import { LRUCache } from "lru-cache";
import { AppError } from "../../../lib/actions/errors.ts";
import { type Binding, SealBrokenError } from "../../../lib/crypto/key-ring.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import type { Database, Queryable } from "../../../mixins/database/database.mixin.ts";
import { generateSigningKey, importSigningKey, type PublicJwk, type SigningAlgorithm } from "./signing-algorithms.ts";
import {
  deleteExpiredSigningKeys,
  endEarlierKeys,
  insertSigningKey,
  listKeyTimes,
  listSigningKeys,
  listSigningKeysNotUnder,
  resealSigningKey,
  type SigningKeyRow,
} from "./signing-keys.repo.ts";

export type KeyDeps = Pick<Platform, "ring" | "clock" | "random" | "config" | "log"> & { readonly db: Database };
type NewKeyDeps = Omit<KeyDeps, "db" | "log"> & { readonly db: Queryable };

export interface Signer {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly key: KeyObject;
  /** Milliseconds since the epoch, checked at each signature. */
  readonly signFrom: number;
  readonly signUntil: number;
  readonly verifyUntil: number;
}

export interface SigningKeys {
  /** The key to sign with now. From memory; reloaded every 10 s. */
  current(): Promise<Signer>;
  /** All keys that verify signatures now or will soon, for the JWKS. */
  published(): Promise<PublicJwk[]>;
  /** Creates the next key in time, also where the algorithm has changed; deletes expired keys, and seals all under the active key of the ring. */
  rotate(): Promise<{ signing_keys: number; signing_keys_deleted: number; signing_keys_resealed: number }>;
}

const RELOAD_MS = 10_000;
/** Allowed difference between the clocks of nodes that sign and nodes that verify. */
export const CLOCK_LEEWAY_MS = 60_000;
/**
 * How long a key is published before it signs, or half the time for which the previous key signs if that is shorter. Well
 * above twice the JWKS max-age of 60 s.
 */
const PUBLISH_AHEAD_MS = 86_400_000;
/** How long a key of another algorithm is published before it signs: gateways and services can be restarted meanwhile. */
const CHANGE_ALGORITHM_AFTER_MS = 3_600_000;

export function createSigningKeys(deps: KeyDeps): SigningKeys {
  const { db, clock, log } = deps;
  const privateKeys = new Map<string, KeyObject>();
  const load = async () => {
    const rows = (await ensureKeys(deps)).filter((row) => row.sign_until > clock.now().getTime());
    return rows.map((row) => toSigner(deps, privateKeys, row));
  };
  const cache = new LRUCache<"signers", readonly Signer[]>({
    max: 1,
    ttl: RELOAD_MS,
    ttlResolution: 0,
    perf: { now: clock.monotonic },
    allowStale: true,
    noDeleteOnFetchRejection: true,
    fetchMethod: (_key, stale) =>
      load().catch((error: Error) => {
        if (stale) log.warn({ error: error.message }, "loading the signing keys failed");
        throw error;
      }),
  });
  return {
    async current() {
      const cached = pickSigner(await cache.forceFetch("signers"), clock.now().getTime());
      if (cached) return cached;
      const reloaded = await cache.forceFetch("signers", { forceRefresh: true, allowStale: false });
      const signer = pickSigner(reloaded, clock.now().getTime());
      if (!signer)
        throw new AppError("service_unavailable", { retry_after: 1, cause: new Error("No signing key is active") });
      return signer;
    },
    async published() {
      const now = clock.now().getTime();
      const rows = await ensureKeys(deps);
      return rows.filter((row) => row.verify_until > now).map((row) => row.public_jwk as PublicJwk);
    },
    async rotate() {
      await ensureKeys(deps);
      await changeAlgorithm(deps);
      const keys = await listSigningKeys(db, clock.now().getTime());
      const deleted = await deleteExpiredSigningKeys(db, clock.now().getTime());
      return { signing_keys: keys.length, signing_keys_deleted: deleted, signing_keys_resealed: await reseal(deps) };
    },
  };
}

/** The newest key that signs now. If there is none, one that another node, whose clock is ahead of ours, has just created. */
function pickSigner(signers: readonly Signer[], now: number): Signer | undefined {
  const valid = signers.filter((signer) => now < signer.signUntil);
  return (
    valid.findLast((signer) => signer.signFrom <= now) ??
    valid.find((signer) => signer.signFrom <= now + CLOCK_LEEWAY_MS)
  );
}

/** Reads the keys, and creates one if it is time: the first one, which signs at once, or the successor of the last one. */
async function ensureKeys(deps: KeyDeps): Promise<SigningKeyRow[]> {
  const now = deps.clock.now().getTime();
  const rows = await listSigningKeys(deps.db, now);
  const last = rows.at(-1);
  const signFrom = nextSignFrom(last, now);
  if (signFrom === null) return rows;
  await createKey(deps, (last?.period ?? 0) + 1, now, signFrom);
  return listSigningKeys(deps.db, now);
}

/**
 * Creates a key of the configured algorithm if the newest key has another. It waits until the newest key signs: otherwise
 * nodes with the old and the new setting would keep replacing each other's keys during a rollout.
 */
async function changeAlgorithm(deps: KeyDeps): Promise<void> {
  const now = deps.clock.now().getTime();
  const last = (await listSigningKeys(deps.db, now)).at(-1);
  if (!last || last.alg === deps.config.auth.signingAlgorithm || last.sign_from > now) return;
  await replaceKeys(deps, now, now + CHANGE_ALGORITHM_AFTER_MS);
}

/**
 * One transaction: the next key is created, and the earlier ones sign no longer than until it takes over. False if another
 * node has created a key meanwhile.
 */
export function replaceKeys(deps: KeyDeps, now: number, signFrom: number): Promise<boolean> {
  const verifyUntil = signFrom + deps.config.auth.accessTokenSeconds * 1_000 + CLOCK_LEEWAY_MS;
  return deps.db.transaction(async (tx) => {
    const [newest] = await listKeyTimes(tx, 0);
    const period = (newest?.period ?? 0) + 1;
    if (!(await createKey({ ...deps, db: tx }, period, now, signFrom))) return false;
    await endEarlierKeys(tx, period, { signUntil: signFrom, verifyUntil });
    return true;
  });
}

/** When the key after `last` starts to sign; null if it is too early to create it. */
function nextSignFrom(last: SigningKeyRow | undefined, now: number): number | null {
  if (!last || last.sign_until <= now) return now;
  const ahead = Math.min(PUBLISH_AHEAD_MS, (last.sign_until - last.sign_from) / 2);
  return now >= last.sign_until - ahead ? last.sign_until : null;
}

/** False if another node has created the key of this period. */
async function createKey(
  { db, ring, clock, random, config }: NewKeyDeps,
  period: number,
  now: number,
  signFrom: number,
): Promise<boolean> {
  const kid = newId(clock, random);
  const alg = config.auth.signingAlgorithm;
  const { privateJwk, publicJwk } = await generateSigningKey(alg, kid);
  const signUntil = signFrom + config.auth.signingKeyRotationDays * 86_400_000;
  return insertSigningKey(db, {
    kid,
    alg,
    period,
    private_jwk: ring.seal("signing", privateJwk, bindingOf(kid)),
    sealed_under: ring.active,
    public_jwk: publicJwk,
    publish_from: now,
    sign_from: signFrom,
    sign_until: signUntil,
    verify_until: signUntil + config.auth.accessTokenSeconds * 1_000 + CLOCK_LEEWAY_MS,
  });
}

/** Decrypts each private key once, but takes its times from the current row. */
function toSigner({ ring }: KeyDeps, privateKeys: Map<string, KeyObject>, row: SigningKeyRow): Signer {
  const key = privateKeys.get(row.kid) ?? importSigningKey(openPrivateKey(ring, row).toString());
  privateKeys.set(row.kid, key);
  const { kid, alg, sign_from: signFrom, sign_until: signUntil, verify_until: verifyUntil } = row;
  return { kid, alg, key, signFrom, signUntil, verifyUntil };
}

/** Keys made by an earlier release are sealed for the purpose "data". They are deleted when their last token has expired. */
function openPrivateKey(
  ring: KeyDeps["ring"],
  { kid, private_jwk }: Pick<SigningKeyRow, "kid" | "private_jwk">,
): Buffer {
  try {
    return ring.open("signing", private_jwk, bindingOf(kid));
  } catch (error) {
    if (!(error instanceof SealBrokenError)) throw error;
    return ring.open("data", private_jwk, bindingOf(kid));
  }
}

async function reseal({ db, ring }: KeyDeps): Promise<number> {
  let count = 0;
  for (const { kid, private_jwk } of await listSigningKeysNotUnder(db, ring.active)) {
    const sealed = ring.seal("signing", openPrivateKey(ring, { kid, private_jwk }), bindingOf(kid));
    if (await resealSigningKey(db, kid, private_jwk, sealed, ring.active)) count += 1;
  }
  return count;
}

function bindingOf(kid: string): Binding {
  return { table: "signing_keys", column: "private_jwk", rowId: kid };
}
