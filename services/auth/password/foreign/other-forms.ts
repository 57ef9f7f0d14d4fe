import type { Argon2Digest, ForeignHash, SaltedDigest, ScryptDigest } from "./digests.ts";
import { assertAffordable, assertWellFormed, decodeBase64, PasswordHashError } from "./password-hash-error.ts";

// Measured at these limits: argon2id 1.2 s, scrypt 1.2 s, phpass 0.3 s.
const MAX_ARGON2 = { memory: 256 * 1024, passes: 10, lanes: 8 };
const MAX_SCRYPT = { bytes: 128 * 1_048_576, work: 2 ** 21 };
const MAX_PHPASS_LOG2 = 18;

/** argon2id and argon2i in the PHC string format, and Django's `argon2` before it. */
export function parseArgon2(text: string): ForeignHash | null {
  const hash = /^(?:argon2)?(\$argon2id?\$.*)$/s.exec(text)?.[1];
  if (hash === undefined) return null;
  const [, variant, m, t, p, salt = "", result = ""] =
    /^\$(argon2id?)\$v=19\$m=([1-9]\d{0,9}),t=([1-9]\d{0,9}),p=([1-9]\d{0,9})\$([A-Za-z0-9+/]{1,128})\$([A-Za-z0-9+/]{1,128})$/.exec(
      hash,
    ) ?? [];
  assertWellFormed(variant !== undefined);
  const [memory, passes, lanes] = [Number(m), Number(t), Number(p)];
  const bytes = Buffer.from(result, "base64");
  assertAffordable(memory <= MAX_ARGON2.memory && passes <= MAX_ARGON2.passes && lanes <= MAX_ARGON2.lanes);
  // The minima of RFC 9106 section 3.1, except that it allows a result of 4 bytes, which could be guessed.
  assertWellFormed(memory >= 8 * lanes && Buffer.from(salt, "base64").length >= 8 && bytes.length >= 16);
  const settings = { variant: variant as Argon2Digest["variant"], memory, passes, lanes, salt, length: bytes.length };
  return { digest: { kind: "argon2", ...settings }, result: bytes };
}

/** Django's and Werkzeug's scrypt, whose salts are text, and Firebase's in the form of Supabase Auth. */
export function parseScrypt(text: string): ForeignHash | null {
  if (text.startsWith("$fbscrypt$")) return parseFirebase(text);
  if (!/^scrypt[$:]/.test(text)) return null;
  const django =
    /^scrypt\$(?<n>[1-9]\d{0,9})\$(?<salt>[^$]{1,128})\$(?<r>[1-9]\d{0,3})\$(?<p>[1-9]\d{0,3})\$(?<result>.+)$/.exec(
      text,
    );
  const werkzeug =
    /^scrypt:(?<n>[1-9]\d{0,9}):(?<r>[1-9]\d{0,3}):(?<p>[1-9]\d{0,3})\$(?<salt>[^$]{1,128})\$(?<result>(?:[0-9a-f]{2})+)$/.exec(
      text,
    );
  const { n, r, p, salt = "", result = "" } = (django ?? werkzeug)?.groups ?? {};
  assertWellFormed(n !== undefined);
  const bytes = django ? decodeBase64(result) : Buffer.from(result, "hex");
  return scryptHash(
    { n: Number(n), r: Number(r), p: Number(p), salt: Buffer.from(salt).toString("base64"), length: bytes.length },
    bytes,
  );
}

/** `$fbscrypt$v=1,n=14,r=8,p=1,ss=<salt separator>,sk=<signer key>$<salt>$<hash>`, where n is the memory cost. */
function parseFirebase(text: string): ForeignHash {
  const [, n, r, p, separator = "", signer_key = "", salt = "", result = ""] =
    /^\$fbscrypt\$v=1,n=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})(?:,ss=([\w+/-]+={0,2}))?,sk=([\w+/-]+={0,2})\$([\w+/-]+={0,2})\$([\w+/-]+={0,2})$/.exec(
      text,
    ) ?? [];
  assertWellFormed(result !== "");
  const bytes = (part: string) => Buffer.from(part, "base64");
  assertWellFormed(bytes(result).length === bytes(signer_key).length);
  const salted = Buffer.concat([bytes(salt), bytes(separator)]).toString("base64");
  const settings = { n: 2 ** Number(n), r: Number(r), p: Number(p), salt: salted, length: 64 };
  return scryptHash({ ...settings, signer_key: bytes(signer_key).toString("base64") }, bytes(result));
}

function scryptHash(settings: Omit<ScryptDigest, "kind">, result: Buffer): ForeignHash {
  const { n, r, p } = settings;
  assertWellFormed(
    n >= 2 && Number.isInteger(Math.log2(n)) && r >= 1 && p >= 1 && result.length >= 16 && result.length <= 128,
  );
  assertAffordable(128 * n * r <= MAX_SCRYPT.bytes && n * r * p <= MAX_SCRYPT.work);
  return { digest: { kind: "scrypt", ...settings }, result };
}

const PHPASS_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** phpass's portable hashes, as in WordPress before 6.8 (`$P$`) and phpBB (`$H$`). */
export function parsePhpass(text: string): ForeignHash | null {
  if (!/^\$[PH]\$/.test(text)) return null;
  const [, rounds = "", salt = "", result = ""] =
    /^\$[PH]\$([./0-9A-Za-z])([./0-9A-Za-z]{8})([./0-9A-Za-z]{22})$/.exec(text) ?? [];
  const log2 = PHPASS_ALPHABET.indexOf(rounds);
  assertWellFormed(result !== "" && log2 >= 7 && log2 <= 30);
  assertAffordable(log2 <= MAX_PHPASS_LOG2);
  const digest = { kind: "phpass", rounds: 2 ** log2, salt: Buffer.from(salt).toString("base64") } as const;
  return { digest, result: decodePhpass(result) };
}

/** 3 bytes, the lowest first, are 4 characters, the lowest 6 bits first. */
function decodePhpass(text: string): Buffer {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at += 4) {
    const group = [...text.slice(at, at + 4)];
    const value = group.reduce((sum, character, index) => sum + PHPASS_ALPHABET.indexOf(character) * 64 ** index, 0);
    for (let index = 0; index < group.length - 1; index += 1) bytes.push(Math.floor(value / 256 ** index) % 256);
  }
  return Buffer.from(bytes);
}

const LDAP_HASHES = { SSHA: "sha1", SSHA256: "sha256", SSHA384: "sha384", SSHA512: "sha512" } as const;
const HASH_BYTES: Readonly<Record<SaltedDigest["hash"], number>> = {
  md5: 16,
  sha1: 20,
  sha256: 32,
  sha384: 48,
  sha512: 64,
};

/** LDAP's `{SSHA…}`, and Django's `md5$<salt>$<hex>` and `sha1$<salt>$<hex>`. */
export function parseSaltedDigest(text: string): ForeignHash | null {
  const [, ldap, encoded = ""] = /^\{(SSHA(?:256|384|512)?)\}(.*)$/is.exec(text) ?? [];
  if (ldap !== undefined) return parseLdap(LDAP_HASHES[ldap.toUpperCase() as keyof typeof LDAP_HASHES], encoded);
  if (!/^(md5|sha1)\$/.test(text)) return null;
  const [, hash, salt = "", hex = ""] = /^(md5|sha1)\$([^$]{1,128})\$([0-9a-f]+)$/.exec(text) ?? [];
  return saltedHash(hash as "md5" | "sha1", Buffer.from(salt), Buffer.from(hex, "hex"), "salt_first");
}

function parseLdap(hash: SaltedDigest["hash"], encoded: string): ForeignHash {
  const bytes = decodeBase64(encoded);
  const end = HASH_BYTES[hash];
  return saltedHash(hash, bytes.subarray(end), bytes.subarray(0, end), "salt_last");
}

function saltedHash(
  hash: SaltedDigest["hash"] | undefined,
  salt: Buffer,
  result: Buffer,
  order: SaltedDigest["order"],
): ForeignHash {
  if (hash === undefined || result.length !== HASH_BYTES[hash] || salt.length === 0)
    throw new PasswordHashError("malformed");
  return { digest: { kind: "salted", hash, salt: salt.toString("base64"), order }, result };
}
