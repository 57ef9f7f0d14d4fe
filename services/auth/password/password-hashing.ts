import { timingSafeEqual } from "node:crypto";
import bcrypt from "bcrypt";
import type { Binding, KeyRing } from "../../../lib/crypto/key-ring.ts";
import type { Bulkhead } from "../../../lib/runtime/bulkhead.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import { MAX_BCRYPT_COST } from "./foreign/bcrypt-forms.ts";
import { prehash } from "./foreign/digests.ts";
import {
  bcryptInputOf,
  computeAll,
  exportText,
  isWeak,
  labelOf,
  ownLabel,
  type PasswordHash,
  parseImport,
  readHash,
  wrapHash,
  writeHash,
} from "./stored-secret.ts";

export interface PasswordHashingOptions {
  readonly ring: KeyRing;
  /** bcrypt cost: 2^cost rounds, 4 to 15. */
  readonly cost: number;
  /** Limits how many hashes run at once, because each occupies a thread for about a quarter of a second. */
  readonly bulkhead: Bulkhead;
}

export interface HashVerification {
  readonly ok: boolean;
  /** The hash has another scheme, cost or key than a new one would have. If `ok`, store a new hash. */
  readonly outdated: boolean;
  /** How long the hashing took, without waiting for its turn. */
  readonly time: HashTime;
}

/** Milliseconds. */
export interface HashTime {
  /** The one bcrypt at our cost, which is a part of every verification. */
  readonly bcrypt: number;
  /** Everything, including that bcrypt. */
  readonly total: number;
}

/**
 * Hashes passwords exactly as typed: not trimmed, normalized or truncated. A stored secret is
 * `<label>$<hash sealed under the key ring, bound to its credential>`: sealing does what a pepper does, and the hashes can
 * be moved to a new key without the passwords.
 *
 * `hash`, `verify`, `simulateVerify` and `wrap` throw OverloadedError before they begin. `verify` and `wrap` throw
 * UnknownKeyError, SealBrokenError, and PasswordHashError for an unknown scheme.
 */
export interface PasswordHashing {
  hash(password: string, credentialId: string): Promise<string>;
  /** Takes one bcrypt at our cost, and whatever another system or an earlier cost needs besides. */
  verify(password: string, stored: string, credentialId: string): Promise<HashVerification>;
  /** Does the work of `verify` for an account that does not exist, so that the response time does not reveal it. Never `ok`. */
  simulateVerify(password: string): Promise<HashVerification>;
  /**
   * Seals a hash of another system so that `verify` accepts it (see foreign/foreign-hash.ts), and the results of
   * `exportHash`. Throws PasswordHashError for any other hash, and for one that would cost too much at each login.
   */
  importHash(foreign: string, credentialId: string): string;
  /** Whether the hash behind the seal takes an attacker less work for each guess than a new one. */
  isWeak(stored: string): boolean;
  /** Puts our bcrypt over a weak hash; the password is not needed. */
  wrap(stored: string, credentialId: string): Promise<string>;
  /** The label of new hashes. */
  readonly label: string;
  /** The hash without its seal. It allows offline guessing: handle it like a password list. */
  exportHash(stored: string, credentialId: string): string;
  /** Seals the same hash under the active key; the password is not needed. */
  reseal(stored: string, credentialId: string): string;
}

/** Hashes without a limit, for work that no request has caused. Requests hash through `HashAdmission`. */
export function createConfiguredPasswordHashing({ config, ring }: Pick<Platform, "config" | "ring">): PasswordHashing {
  return createPasswordHashing({ ring, cost: config.auth.passwordHash.cost, bulkhead: (work) => work() });
}

export function createPasswordHashing({ bulkhead, ...scheme }: PasswordHashingOptions): PasswordHashing {
  return preparePasswordHashing(scheme)(bulkhead);
}

/** Prepared once for all requests; each request gets its own limit on waiting for hashes. */
export function preparePasswordHashing({
  ring,
  cost,
}: Omit<PasswordHashingOptions, "bulkhead">): (bulkhead: Bulkhead) => PasswordHashing {
  if (!(cost >= 4 && cost <= MAX_BCRYPT_COST)) throw new RangeError(`The bcrypt cost must be 4 to ${MAX_BCRYPT_COST}`);
  const unmatchable = unmatchableHash(cost);
  const simulatedId = "simulated";
  const simulatedSecret = seal({ digests: [], bcryptHash: unmatchable }, simulatedId);

  return (bulkhead) => ({
    hash: (password, credentialId) =>
      bulkhead(async () => seal({ digests: [], bcryptHash: await bcrypt.hash(prehash(password), cost) }, credentialId)),
    verify: (password, stored, credentialId) => verify(bulkhead, password, stored, credentialId),
    simulateVerify: (password) => verify(bulkhead, password, simulatedSecret, simulatedId),
    importHash: (foreign, credentialId) => seal(parseImport(foreign), credentialId),
    isWeak: (stored) => isWeak(partsOf(stored).label, cost),
    wrap: (stored, credentialId) => wrap(bulkhead, stored, credentialId),
    label: ownLabel(cost),
    exportHash: (stored, credentialId) => exportText(open(stored, credentialId)),
    reseal: (stored, credentialId) => seal(open(stored, credentialId), credentialId),
  });

  async function verify(
    bulkhead: Bulkhead,
    password: string,
    stored: string,
    credentialId: string,
  ): Promise<HashVerification> {
    const hash = open(stored, credentialId);
    const { ok, time } = await bulkhead(() => compare(hash, password));
    const isCurrent = labelOf(hash) === ownLabel(cost) && !ring.needsResealing(partsOf(stored).sealed);
    return { ok, outdated: !isCurrent, time };
  }

  async function compare(hash: PasswordHash, password: string): Promise<{ ok: boolean; time: HashTime }> {
    const start = performance.now();
    if ("foreign" in hash || bcrypt.getRounds(hash.bcryptHash) !== cost) {
      const ok = await compareAtOtherCost(hash, password);
      const atBcrypt = performance.now();
      await bcrypt.compare(password, unmatchable);
      return { ok, time: timeSince(start, atBcrypt) };
    }
    const input = await bcryptInputOf(hash.digests, password);
    const atBcrypt = performance.now();
    const ok = await bcrypt.compare(input, hash.bcryptHash);
    return { ok, time: timeSince(start, atBcrypt) };
  }

  /** A low cost is raised by wrapping; one that is higher than ours stays. */
  async function wrap(bulkhead: Bulkhead, stored: string, credentialId: string): Promise<string> {
    const hash = open(stored, credentialId);
    if (!isWeak(labelOf(hash), cost)) return seal(hash, credentialId);
    return seal(await bulkhead(() => wrapHash(hash, cost)), credentialId);
  }

  function seal(hash: PasswordHash, credentialId: string): string {
    return `${labelOf(hash)}$${ring.seal("password", writeHash(hash), bindingOf(credentialId))}`;
  }

  function open(stored: string, credentialId: string): PasswordHash {
    const { label, sealed } = partsOf(stored);
    return readHash(label, () => ring.open("password", sealed, bindingOf(credentialId)).toString());
  }
}

async function compareAtOtherCost(hash: PasswordHash, password: string): Promise<boolean> {
  if ("foreign" in hash) return isSame(await computeAll(hash.digests, password), hash.result);
  return bcrypt.compare(await bcryptInputOf(hash.digests, password), hash.bcryptHash);
}

function timeSince(start: number, atBcrypt: number): HashTime {
  const now = performance.now();
  return { bcrypt: now - atBcrypt, total: now - start };
}

/** A hash with a real salt that no password matches. Comparing with it costs as much as with any other. */
function unmatchableHash(cost: number): string {
  return bcrypt.genSaltSync(cost) + ".".repeat(31);
}

function partsOf(stored: string): { label: string; sealed: string } {
  const end = stored.indexOf("$");
  return { label: stored.slice(0, Math.max(end, 0)), sealed: end < 0 ? "" : stored.slice(end + 1) };
}

function isSame(left: Buffer, right: Buffer): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}

function bindingOf(credentialId: string): Binding {
  return { table: "credentials", column: "secret", rowId: credentialId };
}
