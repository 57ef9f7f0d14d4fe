import bcrypt from "bcrypt";
import { OWN_SCHEME } from "./foreign/bcrypt-forms.ts";
import { computeDigest, type Digest, prehash, workOf } from "./foreign/digests.ts";
import { parseForeignHash } from "./foreign/foreign-hash.ts";
import { PasswordHashError } from "./foreign/password-hash-error.ts";

/**
 * A password hash without its seal. `digests` are what another system computed, in order; `bcryptHash` is our bcrypt over the
 * last result, or over the password if there are none. A foreign hash that is not wrapped yet has a `result` instead.
 */
export type PasswordHash =
  | { readonly digests: readonly Digest[]; readonly bcryptHash: string }
  | { readonly digests: readonly [Digest]; readonly result: Buffer; readonly foreign: string };

const WRAPPED_SCHEME = "bcrypt-wrapped";
const FOREIGN_SCHEME = "foreign";
/** Rows written before foreign hashes were wrapped. */
const EARLIER_FOREIGN_SCHEMES: readonly string[] = ["bcrypt", "pbkdf2_sha256", "argon2"];

const SCHEMES: readonly string[] = [OWN_SCHEME, WRAPPED_SCHEME, FOREIGN_SCHEME, ...EARLIER_FOREIGN_SCHEMES];

/** Reads the text behind the seal. Throws PasswordHashError. */
export function readHash(label: string, openSeal: () => string): PasswordHash {
  const [scheme = ""] = label.split(".", 1);
  if (!SCHEMES.includes(scheme)) throw new PasswordHashError("unknown_scheme");
  const text = openSeal();
  if (scheme === OWN_SCHEME) return { digests: [], bcryptHash: text };
  if (scheme === WRAPPED_SCHEME) return readWrapped(text);
  const { digest, result } = parseForeignHash(text);
  return { digests: [digest], result, foreign: text };
}

export function writeHash(hash: PasswordHash): string {
  if ("foreign" in hash) return hash.foreign;
  return hash.digests.length === 0 ? hash.bcryptHash : JSON.stringify(hash);
}

/** A hash of another system, or one that `exportText` returned. Throws PasswordHashError. */
export function parseImport(text: string): PasswordHash {
  if (text.startsWith(`${WRAPPED_SCHEME}$`)) return readWrapped(text.slice(WRAPPED_SCHEME.length + 1));
  const { digest, result } = parseForeignHash(text);
  if (digest.kind === "bcrypt" && digest.before === "own") return { digests: [], bcryptHash: digest.salt + result };
  return { digests: [digest], result, foreign: text };
}

export function exportText(hash: PasswordHash): string {
  if ("foreign" in hash) return hash.foreign;
  return `${hash.digests.length === 0 ? OWN_SCHEME : WRAPPED_SCHEME}$${writeHash(hash)}`;
}

/**
 * The part of a stored secret that is not sealed: `<scheme>.<work>`. By it, rows are found that have to be wrapped, and those
 * that take different times.
 */
export function labelOf(hash: PasswordHash): string {
  if ("foreign" in hash) return `${FOREIGN_SCHEME}.${workOf(hash.digests[0])}`;
  const cost = bcrypt.getRounds(hash.bcryptHash);
  if (hash.digests.length === 0) return `${OWN_SCHEME}.${cost}`;
  return `${WRAPPED_SCHEME}.${[...hash.digests.map(workOf), cost].join("+")}`;
}

export const ownLabel = (cost: number): string => `${OWN_SCHEME}.${cost}`;

/** Whether guessing at such a hash costs less than our bcrypt, or the label is of an earlier version and says too little. */
export function isWeak(label: string, cost: number): boolean {
  const [, ours] = /^bcrypt-(?:sha512_256|wrapped)\.(?:.*\+)?(\d{1,2})$/.exec(label) ?? [];
  return ours === undefined || Number(ours) < cost;
}

/** The same hash under our bcrypt: its salts and parameters are kept, and the password is not needed. */
export async function wrapHash(hash: PasswordHash, cost: number): Promise<PasswordHash> {
  const { digests, result } = "foreign" in hash ? hash : unwrapBcrypt(hash.digests, hash.bcryptHash);
  return { digests, bcryptHash: await bcrypt.hash(bcryptInput(result), cost) };
}

/** What our bcrypt takes: it is the password itself only if no other system has hashed it. */
export async function bcryptInputOf(digests: readonly Digest[], password: string): Promise<string> {
  return digests.length === 0 ? prehash(password) : bcryptInput(await computeAll(digests, password));
}

export async function computeAll([first, ...rest]: readonly Digest[], password: string): Promise<Buffer> {
  if (!first) throw new PasswordHashError("malformed");
  let result = await computeDigest(first, password);
  for (const digest of rest) result = await computeDigest(digest, result.toString("base64"));
  return result;
}

function bcryptInput(result: Buffer): string {
  return prehash(result.toString("base64"));
}

/** A bcrypt hash whose cost is too low becomes a digest under another one. */
function unwrapBcrypt(digests: readonly Digest[], bcryptHash: string): { digests: readonly Digest[]; result: Buffer } {
  const digest = { kind: "bcrypt", before: "own", salt: bcryptHash.slice(0, 29) } as const;
  return { digests: [...digests, digest], result: Buffer.from(bcryptHash.slice(29)) };
}

function readWrapped(text: string): PasswordHash {
  try {
    const { digests, bcryptHash } = JSON.parse(text) as { digests: Digest[]; bcryptHash: string };
    bcrypt.getRounds(bcryptHash);
    digests.map(workOf);
    return { digests, bcryptHash };
  } catch {
    throw new PasswordHashError("malformed");
  }
}
