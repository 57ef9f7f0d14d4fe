import { argon2, createCipheriv, createHmac, hash, pbkdf2, scrypt } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import bcrypt from "bcrypt";

/** How a system computes a hash from a password. Stored as JSON; salts and keys are base64, lengths are bytes. */
export type Digest = BcryptDigest | Pbkdf2Digest | ScryptDigest | Argon2Digest | PhpassDigest | SaltedDigest;

export interface BcryptDigest {
  readonly kind: "bcrypt";
  /** What is done to the password before bcrypt. `own`: `prehash`. */
  readonly before: "nothing" | "own" | "sha256_hex" | "wordpress";
  /** `$2b$<cost>$<22 characters>` */
  readonly salt: string;
}

export interface Pbkdf2Digest {
  readonly kind: "pbkdf2";
  readonly hash: "sha1" | "sha256" | "sha512";
  readonly iterations: number;
  readonly salt: string;
  readonly length: number;
}

export interface ScryptDigest {
  readonly kind: "scrypt";
  readonly n: number;
  readonly r: number;
  readonly p: number;
  readonly salt: string;
  readonly length: number;
  /** Firebase encrypts this key with the result; the ciphertext is the hash. */
  readonly signer_key?: string;
}

export interface Argon2Digest {
  readonly kind: "argon2";
  readonly variant: "argon2id" | "argon2i";
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly lanes: number;
  readonly salt: string;
  readonly length: number;
}

export interface PhpassDigest {
  readonly kind: "phpass";
  readonly rounds: number;
  readonly salt: string;
}

/** One round of a plain hash function. */
export interface SaltedDigest {
  readonly kind: "salted";
  readonly hash: "md5" | "sha1" | "sha256" | "sha384" | "sha512";
  readonly salt: string;
  readonly order: "salt_first" | "salt_last";
}

/** A hash of another system: how it is computed from the password, and what has to come out. */
export interface ForeignHash {
  readonly digest: Digest;
  readonly result: Buffer;
}

/** Characters of the version, the cost and the salt. */
const BCRYPT_SALT_LENGTH = 29;

export async function computeDigest(digest: Digest, password: string): Promise<Buffer> {
  switch (digest.kind) {
    case "bcrypt":
      return Buffer.from(
        (await bcrypt.hash(beforeBcrypt[digest.before](password), digest.salt)).slice(BCRYPT_SALT_LENGTH),
      );
    case "pbkdf2":
      return promisify(pbkdf2)(password, decode(digest.salt), digest.iterations, digest.length, digest.hash);
    case "scrypt":
      return computeScrypt(digest, password);
    case "argon2":
      return computeArgon2(digest, password);
    case "phpass":
      return computePhpass(digest, password);
    case "salted":
      return computeSalted(digest, password);
  }
}

/** The parameters that decide how long the digest takes. */
export function workOf(digest: Digest): string {
  switch (digest.kind) {
    case "bcrypt":
      return `bcrypt:${bcrypt.getRounds(`${digest.salt}${"0".repeat(31)}`)}`;
    case "pbkdf2":
      return `pbkdf2:${digest.hash}:${digest.iterations}:${digest.length}`;
    case "scrypt":
      return `scrypt:${digest.n}:${digest.r}:${digest.p}`;
    case "argon2":
      return `${digest.variant}:${digest.memory}:${digest.passes}:${digest.lanes}`;
    case "phpass":
      return `phpass:${digest.rounds}`;
    case "salted":
      return digest.hash;
  }
}

/** bcrypt reads 72 bytes at most, and some implementations stop at a NUL: 44 characters of base64 avoid both. */
export function prehash(password: string): string {
  return hash("sha512-256", password, "base64");
}

const beforeBcrypt: Readonly<Record<BcryptDigest["before"], (password: string) => string>> = {
  nothing: (password) => password,
  own: prehash,
  sha256_hex: (password) => hash("sha256", password),
  // PHP's trim().
  wordpress: (password) =>
    createHmac("sha384", "wp-sha384")
      .update(password.replace(/^[ \t\n\r\0\v]+|[ \t\n\r\0\v]+$/g, ""))
      .digest("base64"),
};

async function computeScrypt(digest: ScryptDigest, password: string): Promise<Buffer> {
  const { n, r, p, salt, length, signer_key } = digest;
  const derive = promisify<string, Buffer, number, object, Buffer>(scrypt);
  // scrypt needs 128 * n * r bytes and a little more (RFC 7914 section 2).
  const maxmem = 256 * n * r + 1_048_576;
  const derived = await derive(password, decode(salt), length, { N: n, r, p, maxmem });
  if (signer_key === undefined) return derived;
  return createCipheriv("aes-256-ctr", derived.subarray(0, 32), Buffer.alloc(16)).update(decode(signer_key));
}

function computeArgon2(digest: Argon2Digest, password: string): Promise<Buffer> {
  const { variant, memory, passes, lanes, salt, length } = digest;
  return promisify(argon2)(variant, {
    message: password,
    nonce: decode(salt),
    memory,
    passes,
    parallelism: lanes,
    tagLength: length,
  });
}

/** MD5 runs on this thread: other work gets its turn about every 2 ms. */
const ROUNDS_AT_ONCE = 2_048;

async function computePhpass({ rounds, salt }: PhpassDigest, password: string): Promise<Buffer> {
  const bytes = Buffer.from(password);
  let state = hash("md5", Buffer.concat([decode(salt), bytes]), "buffer");
  for (let done = 0; done < rounds; done += 1) {
    if (done % ROUNDS_AT_ONCE === ROUNDS_AT_ONCE - 1) await setImmediate();
    state = hash("md5", Buffer.concat([state, bytes]), "buffer");
  }
  return state;
}

function computeSalted(digest: SaltedDigest, password: string): Buffer {
  const [salt, bytes] = [decode(digest.salt), Buffer.from(password)];
  return hash(digest.hash, Buffer.concat(digest.order === "salt_first" ? [salt, bytes] : [bytes, salt]), "buffer");
}

function decode(text: string): Buffer {
  return Buffer.from(text, "base64");
}
