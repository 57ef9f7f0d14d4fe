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
  deleteExpiredSigningKeys,
  insertSigningKey,
  listSigningKeys,
  listSigningKeysNotUnder,
  resealSigningKey,
  type SigningKeyRow,
} from "./signing-keys.repo.ts";

type PublicJwk = z.infer<typeof Jwk>;
type KeyDeps = Pick<Platform, "ring" | "clock" | "random" | "config" | "log"> & { readonly db: Database };
type PrivateKey = Awaited<ReturnType<typeof generateKeyPair>>["privateKey"];

export interface Signer {
  readonly kid: string;
  readonly key: PrivateKey;
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
  /** Creates the next key in time, deletes expired keys, and seals all under the active key of the ring. */
  rotate(): Promise<{ signing_keys: number; signing_keys_deleted: number; signing_keys_resealed: number }>;
}

const RELOAD_MS = 10_000;
/** Allowed difference between the clocks of nodes that sign and nodes that verify. */
const CLOCK_LEEWAY_MS = 60_000;
/**
 * How long a key is published before it signs, or half the time for which the previous key signs if that is shorter. Well
 * above twice the JWKS max-age of 60 s.
 */
const PUBLISH_AHEAD_MS = 86_400_000;

export function createSigningKeys(deps: KeyDeps): SigningKeys {
  const { db, clock, log } = deps;
  const privateKeys = new Map<string, PrivateKey>();
  const load = async () => {
    const rows = (await ensureKeys(deps)).filter((row) => row.sign_until > clock.now().getTime());
    return Promise.all(rows.map((row) => toSigner(deps, privateKeys, row)));
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
      const keys = await ensureKeys(deps);
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

/** When the key after `last` starts to sign; null if it is too early to create it. */
function nextSignFrom(last: SigningKeyRow | undefined, now: number): number | null {
  if (!last || last.sign_until <= now) return now;
  const ahead = Math.min(PUBLISH_AHEAD_MS, (last.sign_until - last.sign_from) / 2);
  return now >= last.sign_until - ahead ? last.sign_until : null;
}

async function createKey(
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
    verify_until: signUntil + config.auth.accessTokenSeconds * 1_000 + CLOCK_LEEWAY_MS,
  });
}

/** Decrypts each private key once, but takes its times from the current row. */
async function toSigner({ ring }: KeyDeps, privateKeys: Map<string, PrivateKey>, row: SigningKeyRow): Promise<Signer> {
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
  for (const { kid, private_jwk } of await listSigningKeysNotUnder(db, ring.active)) {
    const sealed = ring.seal("data", ring.open("data", private_jwk, bindingOf(kid)), bindingOf(kid));
    if (await resealSigningKey(db, kid, private_jwk, sealed, ring.active)) count += 1;
  }
  return count;
}

function bindingOf(kid: string): Binding {
  return { table: "signing_keys", column: "private_jwk", rowId: kid };
}
