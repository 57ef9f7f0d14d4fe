import { argon2, hash as digest, pbkdf2, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import bcrypt from "bcrypt";
import type { Binding, KeyRing } from "../../../lib/crypto/key-ring.ts";
import type { Bulkhead } from "../../../lib/runtime/bulkhead.ts";

export interface PasswordHashingOptions {
  readonly ring: KeyRing;
  /** Of bcrypt: 2^cost rounds, 4 to 15. */
  readonly cost: number;
  /** Hashes take a thread each for a quarter of a second: no more at once than there are cores. */
  readonly bulkhead: Bulkhead;
}

export interface HashVerification {
  readonly ok: boolean;
  /** Made with another scheme, cost or key than today's: if `ok`, store a new hash. */
  readonly outdated: boolean;
}

/**
 * Passwords are taken exactly as typed: no trim, no normalisation, no cut, NUL and all. What is stored is
 * `<scheme>$<hash sealed under the ring, bound to its credential>`. `hash`, `verify` and `verifyNothing` throw
 * OverloadedError before they begin; `verify` throws UnknownKeyError, SealBrokenError, and PasswordHashError for an
 * unknown scheme.
 */
export interface PasswordHashing {
  hash(password: string, credentialId: string): Promise<string>;
  verify(password: string, stored: string, credentialId: string): Promise<HashVerification>;
  /** The work of a `verify` for an account that doesn't exist, so that the time doesn't tell. Never `ok`. */
  verifyNothing(password: string): Promise<HashVerification>;
  /**
   * Seals a hash of another system for `verify`: bcrypt, Django's pbkdf2_sha256, argon2id and argon2i in PHC form, and
   * what `exportHash` gave. Throws PasswordHashError if it is none of them or costs more than we would spend at each login.
   */
  importHash(foreign: string, credentialId: string): string;
  /** The hash without its seal: whoever has it can guess at the password as fast as his machines can hash. */
  exportHash(stored: string, credentialId: string): string;
  /** The same hash under the active key of the ring; the password is not needed for it. */
  reseal(stored: string, credentialId: string): string;
}

export type PasswordHashProblem = "unknown_scheme" | "malformed" | "too_costly";

export class PasswordHashError extends Error {
  override readonly name = "PasswordHashError";
  readonly code: PasswordHashProblem;

  constructor(code: PasswordHashProblem) {
    super(`Password hash refused: ${code}`);
    this.code = code;
  }
}

export function createPasswordHashing({ ring, cost, bulkhead }: PasswordHashingOptions): PasswordHashing {
  if (!(cost >= 4 && cost <= maxBcryptCost)) throw new RangeError(`The bcrypt cost must be 4 to ${maxBcryptCost}`);
  const nobody = "nobody";
  const nobodysHash = store(ownScheme, hashOfNothing(cost), nobody);

  return {
    hash,
    verify,
    verifyNothing: (password) => verify(password, nobodysHash, nobody),
    importHash,
    exportHash,
    reseal,
  };

  async function hash(password: string, credentialId: string): Promise<string> {
    const made = await bulkhead(() => bcrypt.hash(prehash(password), cost));
    return store(ownScheme, made, credentialId);
  }

  async function verify(password: string, stored: string, credentialId: string): Promise<HashVerification> {
    const { scheme, sealed } = readStored(stored);
    const known = ring.open("password", sealed, bindingOf(credentialId)).toString();
    const ok = await bulkhead(() => schemes[scheme].matches(password, known));
    const current = scheme === ownScheme && bcrypt.getRounds(known) === cost && !ring.needsResealing(sealed);
    return { ok, outdated: !current };
  }

  function importHash(foreign: string, credentialId: string): string {
    const scheme = foreignSchemeOf(foreign);
    return store(scheme, schemes[scheme].admit(foreign), credentialId);
  }

  function exportHash(stored: string, credentialId: string): string {
    const { scheme, sealed } = readStored(stored);
    const known = ring.open("password", sealed, bindingOf(credentialId)).toString();
    return scheme === ownScheme ? `${ownPrefix}${known}` : known;
  }

  function reseal(stored: string, credentialId: string): string {
    const { scheme, sealed } = readStored(stored);
    return store(scheme, ring.open("password", sealed, bindingOf(credentialId)).toString(), credentialId);
  }

  function store(scheme: SchemeName, known: string, credentialId: string): string {
    return `${scheme}$${ring.seal("password", known, bindingOf(credentialId))}`;
  }
}

type SchemeName = "bcrypt-sha512_256" | "bcrypt" | "pbkdf2_sha256" | "argon2";

interface Scheme {
  /** The hash in the form that `matches` takes. Throws PasswordHashError. */
  admit(foreign: string): string;
  /** Trusts the form of `known`: it was admitted, and sealed since. */
  matches(password: string, known: string): Promise<boolean>;
}

const ownScheme = "bcrypt-sha512_256";
const ownPrefix = `${ownScheme}$`;

const schemes: Readonly<Record<SchemeName, Scheme>> = {
  "bcrypt-sha512_256": {
    admit: (foreign) => admitBcrypt(foreign.slice(ownPrefix.length), maxBcryptCost),
    matches: (password, known) => bcrypt.compare(prehash(password), known),
  },
  bcrypt: {
    admit: (foreign) => admitBcrypt(foreign, maxForeignBcryptCost),
    matches: (password, known) => bcrypt.compare(password, known),
  },
  pbkdf2_sha256: { admit: admitPbkdf2, matches: matchesPbkdf2 },
  argon2: { admit: admitArgon2, matches: matchesArgon2 },
};

// What one login may cost. At these limits: our bcrypt 1.7 s, a foreign one half of it, PBKDF2 0.3 s, argon2id 1.2 s (measured).
const maxBcryptCost = 15;
const maxForeignBcryptCost = 14;
const maxPbkdf2Iterations = 2_000_000;
const maxArgon2 = { memory: 256 * 1024, passes: 10, lanes: 8 };

function bindingOf(credentialId: string): Binding {
  return { table: "credentials", column: "secret", rowId: credentialId };
}

/** bcrypt reads 72 bytes and some of its implementations end at a NUL: 44 characters of base64 have neither problem. */
function prehash(password: string): string {
  return digest("sha512-256", password, "base64");
}

/** A real salt with a result that nothing gives: comparing costs what any comparison costs. */
function hashOfNothing(cost: number): string {
  return bcrypt.genSaltSync(cost) + ".".repeat(31);
}

function readStored(stored: string): { scheme: SchemeName; sealed: string } {
  const end = stored.indexOf("$");
  const scheme = stored.slice(0, Math.max(end, 0));
  if (!isSchemeName(scheme)) throw new PasswordHashError("unknown_scheme");
  return { scheme, sealed: stored.slice(end + 1) };
}

function isSchemeName(text: string): text is SchemeName {
  return Object.hasOwn(schemes, text);
}

function foreignSchemeOf(foreign: string): SchemeName {
  if (/^\$2[aby]\$/.test(foreign)) return "bcrypt";
  if (foreign.startsWith(ownPrefix)) return ownScheme;
  if (foreign.startsWith("pbkdf2_sha256$")) return "pbkdf2_sha256";
  if (/^\$argon2id?\$/.test(foreign)) return "argon2";
  throw new PasswordHashError("unknown_scheme");
}

/** `$2y$` is PHP's name of `$2b$`, which the library doesn't know. */
function admitBcrypt(foreign: string, maxCost: number): string {
  const [, minor, cost, salt, last, result] = bcryptForm.exec(foreign) ?? [];
  if (!minor || !cost || !salt || !last || !result) throw new PasswordHashError("malformed");
  if (Number(cost) > maxCost) throw new PasswordHashError("too_costly");
  return `$2${minor === "y" ? "b" : minor}$${cost}$${salt}${withoutUnusedBits(last)}${result}`;
}

const bcryptForm = /^\$2([aby])\$(0[4-9]|[12][0-9]|3[01])\$([./A-Za-z0-9]{21})([./A-Za-z0-9])([./A-Za-z0-9]{31})$/;

/** The 22nd character of a salt carries 2 bits of 6. Some systems fill the rest at random; the library compares it. */
function withoutUnusedBits(character: string): string {
  const alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  return alphabet.charAt(alphabet.indexOf(character) & 0b110000);
}

function admitPbkdf2(foreign: string): string {
  const { iterations, expected } = readPbkdf2(foreign);
  if (expected.length !== 32 || expected.toString("base64") !== foreign.split("$")[3]) {
    throw new PasswordHashError("malformed");
  }
  if (iterations > maxPbkdf2Iterations) throw new PasswordHashError("too_costly");
  return foreign;
}

async function matchesPbkdf2(password: string, known: string): Promise<boolean> {
  const { iterations, salt, expected } = readPbkdf2(known);
  const found = await promisify(pbkdf2)(password, salt, iterations, expected.length, "sha256");
  return timingSafeEqual(found, expected);
}

function readPbkdf2(text: string): { iterations: number; salt: string; expected: Buffer } {
  const [, iterations, salt, expected] = pbkdf2Form.exec(text) ?? [];
  if (!iterations || !salt || !expected) throw new PasswordHashError("malformed");
  return { iterations: Number(iterations), salt, expected: Buffer.from(expected, "base64") };
}

const pbkdf2Form = /^pbkdf2_sha256\$([1-9][0-9]{0,9})\$([^$]{1,128})\$([A-Za-z0-9+/]{43}=)$/;

function admitArgon2(foreign: string): string {
  const { memory, passes, lanes, salt, expected } = readArgon2(foreign);
  if (memory > maxArgon2.memory || passes > maxArgon2.passes || lanes > maxArgon2.lanes) {
    throw new PasswordHashError("too_costly");
  }
  // The least that RFC 9106 section 3.1 allows, but for the result: its 4 bytes could be guessed.
  if (memory < 8 * lanes || salt.length < 8 || expected.length < 16) throw new PasswordHashError("malformed");
  return foreign;
}

async function matchesArgon2(password: string, known: string): Promise<boolean> {
  const { variant, memory, passes, lanes, salt, expected } = readArgon2(known);
  const found = await promisify(argon2)(variant, {
    message: password,
    nonce: salt,
    memory,
    passes,
    parallelism: lanes,
    tagLength: expected.length,
  });
  return timingSafeEqual(found, expected);
}

interface Argon2Hash {
  readonly variant: "argon2id" | "argon2i";
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly lanes: number;
  readonly salt: Buffer;
  readonly expected: Buffer;
}

function readArgon2(text: string): Argon2Hash {
  const [, variant, memory, passes, lanes, salt, expected] = argon2Form.exec(text) ?? [];
  if (!variant || !salt || !expected) throw new PasswordHashError("malformed");
  return {
    variant: variant === "argon2id" ? "argon2id" : "argon2i",
    memory: Number(memory),
    passes: Number(passes),
    lanes: Number(lanes),
    salt: Buffer.from(salt, "base64"),
    expected: Buffer.from(expected, "base64"),
  };
}

const argon2Form =
  /^\$(argon2id?)\$v=19\$m=([1-9]\d{0,9}),t=([1-9]\d{0,9}),p=([1-9]\d{0,9})\$([A-Za-z0-9+/]{1,128})\$([A-Za-z0-9+/]{1,128})$/;
