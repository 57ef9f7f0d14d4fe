import type { BcryptDigest, ForeignHash } from "./digests.ts";
import { assertAffordable, assertWellFormed } from "./password-hash-error.ts";

/** The scheme of new hashes: bcrypt over a SHA-512/256 of the password. */
export const OWN_SCHEME = "bcrypt-sha512_256";

// Upper bounds for the cost of one login. Measured at these limits: our bcrypt 1.7 s, a foreign bcrypt half of it.
export const MAX_BCRYPT_COST = 15;
const MAX_FOREIGN_BCRYPT_COST = 14;

/** The results of `exportHash`. */
export function parseOwn(text: string): ForeignHash | null {
  return text.startsWith(`${OWN_SCHEME}$`)
    ? bcryptHash(text.slice(OWN_SCHEME.length + 1), "own", MAX_BCRYPT_COST)
    : null;
}

/** bcrypt itself, and Django's `bcrypt$` and `bcrypt_sha256$` before it. */
export function parseBcrypt(text: string): ForeignHash | null {
  const [, django, hash] = /^(bcrypt\$|bcrypt_sha256\$)?(\$2[aby]\$.*)$/s.exec(text) ?? [];
  if (hash === undefined) return null;
  return bcryptHash(hash, django === "bcrypt_sha256$" ? "sha256_hex" : "nothing", MAX_FOREIGN_BCRYPT_COST);
}

/** WordPress 6.8 and later. */
export function parseWordPressBcrypt(text: string): ForeignHash | null {
  return text.startsWith("$wp$2y$") ? bcryptHash(text.slice("$wp".length), "wordpress", MAX_FOREIGN_BCRYPT_COST) : null;
}

const BCRYPT_FORM = /^\$2([aby])\$(0[4-9]|[12][0-9]|3[01])\$([./A-Za-z0-9]{21})([./A-Za-z0-9])([./A-Za-z0-9]{31})$/;

/** `$2y$` is PHP's name for `$2b$`; the library does not know it. */
function bcryptHash(text: string, before: BcryptDigest["before"], maxCost: number): ForeignHash {
  const [, minor = "", cost = "", salt = "", last = "", result = ""] = BCRYPT_FORM.exec(text) ?? [];
  assertWellFormed(result !== "");
  assertAffordable(Number(cost) <= maxCost);
  const digest = {
    kind: "bcrypt",
    before,
    salt: `$2${minor === "y" ? "b" : minor}$${cost}$${salt}${withoutUnusedBits(last)}`,
  } as const;
  return { digest, result: Buffer.from(result) };
}

/** The last character of a salt carries 2 bits of 6. Some systems fill the others at random, but the library compares them. */
function withoutUnusedBits(character: string): string {
  const alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  return alphabet.charAt(alphabet.indexOf(character) & 0b110000);
}
