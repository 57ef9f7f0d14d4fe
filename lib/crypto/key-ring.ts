import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from "node:crypto";
import { type Random, systemRandom } from "../runtime/clock.ts";
import { decodeCanonical, encode } from "./base64url.ts";

export const purposes = [
  "password",
  "refresh",
  "otp",
  "data",
  "signing",
  "idempotency",
  "csrf",
  "device",
  "webhook",
] as const;
export type Purpose = (typeof purposes)[number];
export type KeyUse = "mac" | "seal";

/** Where a sealed value is stored. It cannot be opened in any other place. */
export interface Binding {
  readonly table: string;
  readonly column: string;
  readonly rowId: string;
}

export interface KeyRing {
  /** The key id that seals and signs. */
  readonly active: string;
  /** All key ids of this node, with the active one first. */
  readonly kids: readonly string[];
  /** HMAC-SHA256, 32 bytes. Default key: the active one. Throws UnknownKeyError. */
  mac(purpose: Purpose, data: string | Uint8Array, kid?: string): Buffer;
  /** The MAC under every key in base64url, the active key first; for values that are looked up by their MAC. */
  macAll(purpose: Purpose, data: string | Uint8Array): { kid: string; mac: string }[];
  /** Compares in constant time. Throws UnknownKeyError. */
  macMatches(purpose: Purpose, data: string | Uint8Array, kid: string, mac: Uint8Array): boolean;
  /** `v1.<kid>.<nonce>.<ciphertext+tag>`, AES-256-GCM under the active key, bound to purpose and place. */
  seal(purpose: Purpose, plaintext: string | Uint8Array, binding: Binding): string;
  /** Throws UnknownKeyError, or SealBrokenError if text, key, purpose or binding differ from those at sealing. */
  open(purpose: Purpose, sealed: string, binding: Binding): Buffer;
  /** True if the value is sealed under another key than the active one. Throws SealBrokenError. */
  needsResealing(sealed: string): boolean;
}

/** The key ring lacks a key that stored data needs. Becomes a 503 until SECRET_KEY is complete, never "invalid". */
export class UnknownKeyError extends Error {
  override readonly name = "UnknownKeyError";
  readonly kid: string;

  constructor(kid: string) {
    super(`SECRET_KEY has no key ${kid}`);
    this.kid = kid;
  }
}

/** The value was modified, moved to another place, or is not a sealed value. */
export class SealBrokenError extends Error {
  override readonly name = "SealBrokenError";
}

/**
 * Parses `SECRET_KEY`: `k2:<secret>,k1:<secret>` with the active key first and ids of `[a-z0-9]{1,16}`. If no entry has
 * this form, the whole value is the secret of key `k0`, so that a plain secret can later be kept as `k1:<new>,k0:<old>`.
 * Whitespace around entries is ignored. Throws if only some entries have the form, if an id occurs twice, or if a secret
 * has less than 32 bytes.
 */
export function parseKeyRing(secretKey: string, random: Random = systemRandom): KeyRing {
  const secrets = readSecrets(secretKey.trim());
  return createKeyRing([...secrets.keys()], createDerivation(secrets), random);
}

/** `kids` has the active key first. */
export function createKeyRing(kids: readonly string[], derive: Derivation, random: Random): KeyRing {
  const [active] = kids as [string];
  const ring: KeyRing = {
    active,
    kids,
    mac: (purpose, data, kid = active) =>
      createHmac("sha256", derive(kid, purpose, "mac"))
        .update(data)
        .digest(),
    macAll: (purpose, data) => kids.map((kid) => ({ kid, mac: encode(ring.mac(purpose, data, kid)) })),
    macMatches: (purpose, data, kid, mac) => sameBytes(ring.mac(purpose, data, kid), mac),
    seal(purpose, plaintext, binding) {
      const nonce = random.bytes(nonceBytes);
      const label = sealLabel(active, purpose, binding);
      const body = encrypt(derive(active, purpose, "seal"), nonce, plaintext, label);
      return `v1.${active}.${encode(nonce)}.${encode(body)}`;
    },
    open(purpose, sealed, binding) {
      const { kid, nonce, body } = readSealed(sealed);
      return decrypt(derive(kid, purpose, "seal"), nonce, body, sealLabel(kid, purpose, binding));
    },
    needsResealing: (sealed) => readSealed(sealed).kid !== active,
  };
  return ring;
}

const nonceBytes = 12;
const tagBytes = 16;
const cipher = "aes-256-gcm";

/** The secrets of SECRET_KEY by their key ids, the active one first. */
export function readSecrets(text: string): Map<string, string> {
  const entries = readEntries(text);
  const secrets = new Map(entries);
  if (secrets.size < entries.length) throw new Error("SECRET_KEY contains a key id twice. Give each key its own id.");
  for (const [kid, secret] of secrets) assertLongEnough(kid, secret);
  return secrets;
}

function readEntries(text: string): [kid: string, secret: string][] {
  const parts = text.split(",").map((part) => part.trim());
  const entries = parts.flatMap((part) => readEntry(part));
  if (entries.length === 0) return [["k0", text]];
  // A typo in one entry must not silently turn the whole value into one new secret.
  if (entries.length < parts.length) {
    throw new Error(
      "SECRET_KEY is ambiguous: some of its entries are id:secret with an id of [a-z0-9]{1,16}, some are not. " +
        "Write k2:<secret>,k1:<secret> with secrets that contain no comma.",
    );
  }
  return entries;
}

function readEntry(part: string): [kid: string, secret: string][] {
  const [, kid, secret] = /^([a-z0-9]{1,16}):(.+)$/s.exec(part) ?? [];
  return kid && secret ? [[kid, secret]] : [];
}

function assertLongEnough(kid: string, secret: string): void {
  if (Buffer.byteLength(secret) >= 32) return;
  throw new Error(`SECRET_KEY is too short: key ${kid} needs 32 bytes or more. Make one with: openssl rand -base64 32`);
}

export type Derivation = (kid: string, purpose: Purpose, use: KeyUse) => KeyObject;

/** One derived key per purpose and use (RFC 5869), so that no key serves two algorithms. */
function createDerivation(secrets: ReadonlyMap<string, string>): Derivation {
  const derived = new Map<string, KeyObject>();
  return (kid, purpose, use) => {
    const secret = secrets.get(kid);
    if (secret === undefined) throw new UnknownKeyError(kid);
    const name = `${kid}/${purpose}/${use}`;
    const key = derived.get(name) ?? createSecretKey(deriveKey(secret, purpose, use));
    derived.set(name, key);
    return key;
  };
}

export function deriveKey(secret: string, purpose: Purpose, use: KeyUse): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, "usermesh", `v1/${purpose}/${use}`, 32));
}

function sealLabel(kid: string, purpose: Purpose, { table, column, rowId }: Binding): Buffer {
  return Buffer.from(JSON.stringify(["v1", kid, purpose, table, column, rowId]));
}

function encrypt(key: KeyObject, nonce: Buffer, plaintext: string | Uint8Array, label: Buffer): Buffer {
  const sealing = createCipheriv(cipher, key, nonce, { authTagLength: tagBytes }).setAAD(label);
  return Buffer.concat([sealing.update(plaintext), sealing.final(), sealing.getAuthTag()]);
}

function decrypt(key: KeyObject, nonce: Buffer, body: Buffer, label: Buffer): Buffer {
  const opening = createDecipheriv(cipher, key, nonce, { authTagLength: tagBytes }).setAAD(label);
  opening.setAuthTag(body.subarray(-tagBytes));
  const plaintext = opening.update(body.subarray(0, -tagBytes));
  try {
    return Buffer.concat([plaintext, opening.final()]);
  } catch (cause) {
    throw new SealBrokenError("A sealed value could not be decrypted", { cause });
  }
}

function readSealed(sealed: string): { kid: string; nonce: Buffer; body: Buffer } {
  const [, kid, nonceText = "", bodyText = ""] = sealedForm.exec(sealed) ?? [];
  const nonce = decodeCanonical(nonceText);
  const body = decodeCanonical(bodyText);
  if (!kid || !nonce || !body) throw new SealBrokenError("Not a sealed value");
  return { kid, nonce, body };
}

const sealedForm = /^v1\.([a-z0-9]{1,16})\.([\w-]{16})\.([\w-]{22,})$/;

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.byteLength === right.byteLength && timingSafeEqual(left, right);
}
