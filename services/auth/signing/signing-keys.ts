import { exportJWK, generateKeyPair, importJWK } from "jose";
import { LRUCache } from "lru-cache";
import type * as z from "zod";
import { AppError } from "../../../lib/actions/errors.ts";
import type { Binding } from "../../../lib/crypto/key-ring.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import type { Database } from "../../../mixins/database.mixin.ts";
import type { Jwk } from "../auth.contract.ts";
import {
  deleteDeadSigningKeys,
  insertSigningKey,
  resealSigningKey,
  type SigningKeyRow,
  signingKeysNotUnder,
  signingKeysSince,
} from "./signing-keys.repo.ts";

type PublicJwk = z.infer<typeof Jwk>;
type KeyDeps = Pick<Platform, "ring" | "clock" | "random" | "config" | "log"> & { readonly db: Database };
type PrivateKey = Awaited<ReturnType<typeof generateKeyPair>>["privateKey"];

export interface Signer {
  readonly kid: string;
  readonly key: PrivateKey;
  /** Milliseconds since the epoch; its times are checked at each signature. */
  readonly signFrom: number;
  readonly signUntil: number;
  readonly verifyUntil: number;
}

export interface SigningKeys {
  /** The key that signs at this moment: from memory, looked after every 10 s. */
  current(): Promise<Signer>;
  /** All that verify now or will soon. */
  published(): Promise<PublicJwk[]>;
  /** Drops the dead, makes the next one in time, puts all under the active key of the ring. */
  rotate(): Promise<{ signing_keys: number; signing_keys_deleted: number; signing_keys_resealed: number }>;
}

const RELOAD_MS = 10_000;
/** Clocks of the nodes that sign and of those that check. */
const LEEWAY_MS = 60_000;
/** Published at most so long before it signs, and at least half its period: far above twice a max-age of 60 s. */
const AHEAD_MS = 86_400_000;

export function createSigningKeys(deps: KeyDeps): SigningKeys {
  const { db, clock, log } = deps;
  const privateKeys = new Map<string, PrivateKey>();
  const load = async () => {
    const rows = (await liveKeys(deps)).filter((row) => row.sign_until > clock.now().getTime());
    return Promise.all(rows.map((row) => openSigner(deps, privateKeys, row)));
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
        if (stale) log.warn({ error: error.message }, "signing key maintenance failed");
        throw error;
      }),
  });
  return {
    async current() {
      const cached = pick(await cache.forceFetch("signers"), clock.now().getTime());
      if (cached) return cached;
      const reloaded = await cache.forceFetch("signers", { forceRefresh: true, allowStale: false });
      const signer = pick(reloaded, clock.now().getTime());
      if (!signer)
        throw new AppError("service_unavailable", { retry_after: 1, cause: new Error("No signing key is active") });
      return signer;
    },
    async published() {
      const now = clock.now().getTime();
      const rows = await liveKeys(deps);
      return rows.filter((row) => row.verify_until > now).map((row) => row.public_jwk as PublicJwk);
    },
    async rotate() {
      const keys = await liveKeys(deps);
      const deleted = await deleteDeadSigningKeys(db, clock.now().getTime());
      return { signing_keys: keys.length, signing_keys_deleted: deleted, signing_keys_resealed: await reseal(deps) };
    },
  };
}

/** The newest that signs now. One from a node whose clock is ahead of ours will do where there is no other. */
function pick(signers: readonly Signer[], now: number): Signer | undefined {
  const alive = signers.filter((one) => now < one.signUntil);
  return alive.findLast((one) => one.signFrom <= now) ?? alive.find((one) => one.signFrom <= now + LEEWAY_MS);
}

/** Makes the first key, which signs at once, and each next one ahead of its time: counted from one and the same reading. */
async function liveKeys(deps: KeyDeps): Promise<SigningKeyRow[]> {
  const now = deps.clock.now().getTime();
  const rows = await signingKeysSince(deps.db, now);
  const last = rows.at(-1);
  const signFrom = birthOf(last, now);
  if (signFrom === null) return rows;
  await makeKey(deps, (last?.period ?? 0) + 1, now, signFrom);
  return signingKeysSince(deps.db, now);
}

/** When the key after `last` starts to sign, once it is time to make it. */
function birthOf(last: SigningKeyRow | undefined, now: number): number | null {
  if (!last || last.sign_until <= now) return now;
  const ahead = Math.min(AHEAD_MS, (last.sign_until - last.sign_from) / 2);
  return now >= last.sign_until - ahead ? last.sign_until : null;
}

async function makeKey(
  { db, ring, clock, random, config }: KeyDeps,
  period: number,
  now: number,
  signFrom: number,
): Promise<void> {
  const kid = newId(clock, random);
  const pair = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const { x } = await exportJWK(pair.publicKey);
  const signUntil = signFrom + config.auth.signingKeyRotationDays * 86_400_000;
  await insertSigningKey(db, {
    kid,
    period,
    private_jwk: ring.seal("data", JSON.stringify(await exportJWK(pair.privateKey)), bindingOf(kid)),
    sealed_under: ring.active,
    public_jwk: { kty: "OKP", crv: "Ed25519", x, kid, use: "sig", alg: "EdDSA" },
    publish_from: now,
    sign_from: signFrom,
    sign_until: signUntil,
    verify_until: signUntil + config.auth.accessTokenSeconds * 1_000 + LEEWAY_MS,
  });
}

/** Each private key is decrypted once; its times are read again, because they may change. */
async function openSigner(
  { ring }: KeyDeps,
  privateKeys: Map<string, PrivateKey>,
  row: SigningKeyRow,
): Promise<Signer> {
  const key = privateKeys.get(row.kid) ?? (await openKey(ring, row));
  privateKeys.set(row.kid, key);
  return { kid: row.kid, key, signFrom: row.sign_from, signUntil: row.sign_until, verifyUntil: row.verify_until };
}

async function openKey(ring: KeyDeps["ring"], row: SigningKeyRow): Promise<PrivateKey> {
  const jwk = JSON.parse(ring.open("data", row.private_jwk, bindingOf(row.kid)).toString());
  return (await importJWK(jwk, "EdDSA")) as PrivateKey;
}

async function reseal({ db, ring }: KeyDeps): Promise<number> {
  let count = 0;
  for (const { kid, private_jwk } of await signingKeysNotUnder(db, ring.active)) {
    const sealed = ring.seal("data", ring.open("data", private_jwk, bindingOf(kid)), bindingOf(kid));
    if (await resealSigningKey(db, kid, private_jwk, sealed, ring.active)) count += 1;
  }
  return count;
}

function bindingOf(kid: string): Binding {
  return { table: "signing_keys", column: "private_jwk", rowId: kid };
}
