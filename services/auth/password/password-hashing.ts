import bcrypt from "bcrypt";
import type { Binding, KeyRing } from "../../../lib/crypto/key-ring.ts";
import { type Bulkhead, createBulkhead } from "../../../lib/runtime/bulkhead.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import {
  isSchemeName,
  MAX_BCRYPT_COST,
  OWN_PREFIX,
  OWN_SCHEME,
  PasswordHashError,
  prehash,
  type SchemeName,
  schemeOf,
  schemes,
  unmatchableHash,
} from "./hash-schemes.ts";

export interface PasswordHashingOptions {
  readonly ring: KeyRing;
  /** bcrypt cost: 2^cost rounds, 4 to 15. */
  readonly cost: number;
  /** Each hash occupies a thread for about a quarter of a second: run no more of them at once than there are cores. */
  readonly bulkhead: Bulkhead;
}

export interface HashVerification {
  readonly ok: boolean;
  /** The hash has another scheme, cost or key than a new one would have. If `ok`, store a new hash. */
  readonly outdated: boolean;
}

/**
 * Hashes passwords exactly as typed: not trimmed, normalized or truncated. A stored secret is
 * `<scheme>$<hash sealed under the key ring, bound to its credential>`: sealing does what a pepper does, and the hashes can
 * be moved to a new key without the passwords.
 *
 * `hash`, `verify` and `simulateVerify` throw OverloadedError before they begin. `verify` throws UnknownKeyError,
 * SealBrokenError, and PasswordHashError for an unknown scheme.
 */
export interface PasswordHashing {
  hash(password: string, credentialId: string): Promise<string>;
  verify(password: string, stored: string, credentialId: string): Promise<HashVerification>;
  /** Does the work of `verify` for an account that does not exist, so that the response time does not reveal it. Never `ok`. */
  simulateVerify(password: string): Promise<HashVerification>;
  /**
   * Seals a hash of another system so that `verify` accepts it: bcrypt, Django's pbkdf2_sha256, argon2id and argon2i in PHC
   * string format, and the results of `exportHash`. Throws PasswordHashError for any other hash, and for one that would cost
   * too much at each login.
   */
  importHash(foreign: string, credentialId: string): string;
  /** The hash without its seal. It allows offline guessing: handle it like a password list. */
  exportHash(stored: string, credentialId: string): string;
  /** Seals the same hash under the active key; the password is not needed. */
  reseal(stored: string, credentialId: string): string;
}

/** Password hashing of this process, limited as configured. */
export function createConfiguredPasswordHashing({ config, ring }: Pick<Platform, "config" | "ring">): PasswordHashing {
  const { cost, concurrency, queue } = config.auth.passwordHash;
  return createPasswordHashing({ ring, cost, bulkhead: createBulkhead({ concurrency, queue }) });
}

export function createPasswordHashing({ ring, cost, bulkhead }: PasswordHashingOptions): PasswordHashing {
  if (!(cost >= 4 && cost <= MAX_BCRYPT_COST)) throw new RangeError(`The bcrypt cost must be 4 to ${MAX_BCRYPT_COST}`);
  const simulatedId = "simulated";
  const simulatedSecret = sealSecret(OWN_SCHEME, unmatchableHash(cost), simulatedId);

  return {
    hash,
    verify,
    simulateVerify: (password) => verify(password, simulatedSecret, simulatedId),
    importHash,
    exportHash,
    reseal,
  };

  async function hash(password: string, credentialId: string): Promise<string> {
    const result = await bulkhead(() => bcrypt.hash(prehash(password), cost));
    return sealSecret(OWN_SCHEME, result, credentialId);
  }

  async function verify(password: string, stored: string, credentialId: string): Promise<HashVerification> {
    const { scheme, sealed, opened } = openSecret(stored, credentialId);
    const ok = await bulkhead(() => schemes[scheme].matches(password, opened));
    const current = scheme === OWN_SCHEME && bcrypt.getRounds(opened) === cost && !ring.needsResealing(sealed);
    return { ok, outdated: !current };
  }

  function importHash(foreign: string, credentialId: string): string {
    const scheme = schemeOf(foreign);
    return sealSecret(scheme, schemes[scheme].admit(foreign), credentialId);
  }

  function exportHash(stored: string, credentialId: string): string {
    const { scheme, opened } = openSecret(stored, credentialId);
    return scheme === OWN_SCHEME ? `${OWN_PREFIX}${opened}` : opened;
  }

  function reseal(stored: string, credentialId: string): string {
    const { scheme, opened } = openSecret(stored, credentialId);
    return sealSecret(scheme, opened, credentialId);
  }

  function sealSecret(scheme: SchemeName, result: string, credentialId: string): string {
    return `${scheme}$${ring.seal("password", result, bindingOf(credentialId))}`;
  }

  function openSecret(stored: string, credentialId: string): { scheme: SchemeName; sealed: string; opened: string } {
    const end = stored.indexOf("$");
    const scheme = stored.slice(0, Math.max(end, 0));
    if (!isSchemeName(scheme)) throw new PasswordHashError("unknown_scheme");
    const sealed = stored.slice(end + 1);
    return { scheme, sealed, opened: ring.open("password", sealed, bindingOf(credentialId)).toString() };
  }
}

function bindingOf(credentialId: string): Binding {
  return { table: "credentials", column: "secret", rowId: credentialId };
}
