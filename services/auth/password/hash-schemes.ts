import { argon2, hash as digest, pbkdf2, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import bcrypt from "bcrypt";

export type PasswordHashProblem = "unknown_scheme" | "malformed" | "too_costly";

export class PasswordHashError extends Error {
  override readonly name = "PasswordHashError";
  readonly code: PasswordHashProblem;

  constructor(code: PasswordHashProblem) {
    super(`Password hash refused: ${code}`);
    this.code = code;
  }
}

export type SchemeName = "bcrypt-sha512_256" | "bcrypt" | "pbkdf2_sha256" | "argon2";

interface Scheme {
  /** Validates a foreign hash and returns it in the form that `matches` takes. Throws PasswordHashError. */
  admit(foreign: string): string;
  /** Trusts that the hash was admitted. */
  matches(password: string, hash: string): Promise<boolean>;
}

/** The scheme of new hashes: bcrypt over a SHA-512/256 of the password. Only imported accounts have the others. */
export const OWN_SCHEME = "bcrypt-sha512_256";
export const OWN_PREFIX = `${OWN_SCHEME}$`;

// Upper bounds for the cost of one login. Measured at these limits: our bcrypt 1.7 s, a foreign bcrypt half of it,
// PBKDF2 0.3 s, argon2id 1.2 s.
export const MAX_BCRYPT_COST = 15;
const MAX_FOREIGN_BCRYPT_COST = 14;
const MAX_PBKDF2_ITERATIONS = 2_000_000;
const MAX_ARGON2 = { memory: 256 * 1024, passes: 10, lanes: 8 };

export const schemes: Readonly<Record<SchemeName, Scheme>> = {
  "bcrypt-sha512_256": {
    admit: (foreign) => admitBcrypt(foreign.slice(OWN_PREFIX.length), MAX_BCRYPT_COST),
    matches: (password, hash) => bcrypt.compare(prehash(password), hash),
  },
  bcrypt: {
    admit: (foreign) => admitBcrypt(foreign, MAX_FOREIGN_BCRYPT_COST),
    matches: (password, hash) => bcrypt.compare(password, hash),
  },
  pbkdf2_sha256: { admit: admitPbkdf2, matches: matchesPbkdf2 },
  argon2: { admit: admitArgon2, matches: matchesArgon2 },
};

export function isSchemeName(text: string): text is SchemeName {
  return Object.hasOwn(schemes, text);
}

/** Recognizes a hash by its prefix. Throws PasswordHashError. */
export function schemeOf(foreign: string): SchemeName {
  if (/^\$2[aby]\$/.test(foreign)) return "bcrypt";
  if (foreign.startsWith(OWN_PREFIX)) return OWN_SCHEME;
  if (foreign.startsWith("pbkdf2_sha256$")) return "pbkdf2_sha256";
  if (/^\$argon2id?\$/.test(foreign)) return "argon2";
  throw new PasswordHashError("unknown_scheme");
}

/** bcrypt reads 72 bytes at most, and some implementations stop at a NUL: 44 characters of base64 avoid both. */
export function prehash(password: string): string {
  return digest("sha512-256", password, "base64");
}

/** A hash with a real salt that no password matches. Comparing with it costs as much as with any other. */
export function unmatchableHash(cost: number): string {
  return bcrypt.genSaltSync(cost) + ".".repeat(31);
}

const BCRYPT_FORM = /^\$2([aby])\$(0[4-9]|[12][0-9]|3[01])\$([./A-Za-z0-9]{21})([./A-Za-z0-9])([./A-Za-z0-9]{31})$/;

/** `$2y$` is PHP's name for `$2b$`; the library does not know it. */
function admitBcrypt(foreign: string, maxCost: number): string {
  const [, minor, cost, salt, last, result] = BCRYPT_FORM.exec(foreign) ?? [];
  if (!minor || !cost || !salt || !last || !result) throw new PasswordHashError("malformed");
  if (Number(cost) > maxCost) throw new PasswordHashError("too_costly");
  return `$2${minor === "y" ? "b" : minor}$${cost}$${salt}${withoutUnusedBits(last)}${result}`;
}

/** The last character of a salt carries 2 bits of 6. Some systems fill the others at random, but the library compares them. */
function withoutUnusedBits(character: string): string {
  const alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  return alphabet.charAt(alphabet.indexOf(character) & 0b110000);
}

const PBKDF2_FORM = /^pbkdf2_sha256\$([1-9][0-9]{0,9})\$([^$]{1,128})\$([A-Za-z0-9+/]{43}=)$/;

function admitPbkdf2(foreign: string): string {
  const { iterations, expected } = readPbkdf2(foreign);
  if (expected.length !== 32 || expected.toString("base64") !== foreign.split("$")[3]) {
    throw new PasswordHashError("malformed");
  }
  if (iterations > MAX_PBKDF2_ITERATIONS) throw new PasswordHashError("too_costly");
  return foreign;
}

async function matchesPbkdf2(password: string, hash: string): Promise<boolean> {
  const { iterations, salt, expected } = readPbkdf2(hash);
  const actual = await promisify(pbkdf2)(password, salt, iterations, expected.length, "sha256");
  return timingSafeEqual(actual, expected);
}

function readPbkdf2(text: string): { iterations: number; salt: string; expected: Buffer } {
  const [, iterations, salt, expected] = PBKDF2_FORM.exec(text) ?? [];
  if (!iterations || !salt || !expected) throw new PasswordHashError("malformed");
  return { iterations: Number(iterations), salt, expected: Buffer.from(expected, "base64") };
}

const ARGON2_FORM =
  /^\$(argon2id?)\$v=19\$m=([1-9]\d{0,9}),t=([1-9]\d{0,9}),p=([1-9]\d{0,9})\$([A-Za-z0-9+/]{1,128})\$([A-Za-z0-9+/]{1,128})$/;

interface Argon2Hash {
  readonly variant: "argon2id" | "argon2i";
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly lanes: number;
  readonly salt: Buffer;
  readonly expected: Buffer;
}

function admitArgon2(foreign: string): string {
  const { memory, passes, lanes, salt, expected } = readArgon2(foreign);
  if (memory > MAX_ARGON2.memory || passes > MAX_ARGON2.passes || lanes > MAX_ARGON2.lanes) {
    throw new PasswordHashError("too_costly");
  }
  // The minima of RFC 9106 section 3.1, except that it allows a result of 4 bytes, which could be guessed.
  if (memory < 8 * lanes || salt.length < 8 || expected.length < 16) throw new PasswordHashError("malformed");
  return foreign;
}

async function matchesArgon2(password: string, hash: string): Promise<boolean> {
  const { variant, memory, passes, lanes, salt, expected } = readArgon2(hash);
  const actual = await promisify(argon2)(variant, {
    message: password,
    nonce: salt,
    memory,
    passes,
    parallelism: lanes,
    tagLength: expected.length,
  });
  return timingSafeEqual(actual, expected);
}

function readArgon2(text: string): Argon2Hash {
  const [, variant, memory, passes, lanes, salt, expected] = ARGON2_FORM.exec(text) ?? [];
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
