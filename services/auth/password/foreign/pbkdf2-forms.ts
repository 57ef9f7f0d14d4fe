import * as z from "zod";
import type { ForeignHash, Pbkdf2Digest } from "./digests.ts";
import { assertAffordable, assertWellFormed, decodeBase64, PasswordHashError } from "./password-hash-error.ts";

/** Takes 0.3 s for each 32 bytes of a result with SHA-256, and less for each 20 bytes with SHA-1. */
const MAX_ITERATIONS = 2_000_000;
const MIN_RESULT_BYTES = 16;
/** Keycloak's results are the longest. */
const MAX_RESULT_BYTES = 64;

type Hash = Pbkdf2Digest["hash"];

interface Parts {
  readonly hash: Hash;
  readonly iterations: number;
  readonly salt: Buffer;
  readonly result: Buffer;
}

/** The forms of Django, of the PHC string format, of passlib, of Werkzeug and of ASP.NET Identity. */
export function parsePbkdf2Forms(text: string): ForeignHash | null {
  const parts = parseDjango(text) ?? parsePhc(text) ?? parseWerkzeug(text) ?? parseAspNet(text);
  return parts && pbkdf2Hash(parts);
}

const KeycloakSecret = z.object({ value: z.string(), salt: z.string() });
const KeycloakSettings = z.object({ hashIterations: z.int(), algorithm: z.string() });
const KeycloakCredential = z.object({ secretData: z.string(), credentialData: z.string() });

/** A credential of a Keycloak export, as JSON text: `{"secretData": "…", "credentialData": "…"}`. */
export function parseKeycloakJson(text: string): ForeignHash | null {
  const isLdapForm = /^\{\w+\}/.test(text); // such as `{SSHA}…`
  if (!text.startsWith("{") || isLdapForm) return null;
  const { secretData, credentialData } = readJson(KeycloakCredential, text);
  const { value, salt } = readJson(KeycloakSecret, secretData);
  const { hashIterations, algorithm } = readJson(KeycloakSettings, credentialData);
  const hash = hashOfName(algorithm);
  if (hash === null) throw new PasswordHashError("unknown_scheme");
  return pbkdf2Hash({ hash, iterations: hashIterations, salt: decodeBase64(salt), result: decodeBase64(value) });
}

function readJson<T>(schema: z.ZodType<T>, text: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new PasswordHashError("malformed");
  }
}

function pbkdf2Hash({ hash, iterations, salt, result }: Parts): ForeignHash {
  assertWellFormed(iterations >= 1 && salt.length <= 128 && result.length >= MIN_RESULT_BYTES);
  assertAffordable(iterations <= MAX_ITERATIONS && result.length <= MAX_RESULT_BYTES);
  const digest = { kind: "pbkdf2", hash, iterations, salt: salt.toString("base64"), length: result.length } as const;
  return { digest, result };
}

/** `pbkdf2_sha256$<iterations>$<salt>$<base64>`; the salt is text. */
function parseDjango(text: string): Parts | null {
  if (!/^pbkdf2_sha(1|256)\$/.test(text)) return null;
  const [, hash, iterations = "", salt = "", result = ""] =
    /^pbkdf2_(sha1|sha256)\$([1-9][0-9]{0,9})\$([^$]{1,128})\$([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
  assertWellFormed(hash !== undefined && result.length % 4 === 0);
  const bytes = decodeBase64(result);
  assertWellFormed(bytes.length === (hash === "sha1" ? 20 : 32));
  return { hash: hash as Hash, iterations: Number(iterations), salt: Buffer.from(salt), result: bytes };
}

/** `$pbkdf2-sha256$i=27500,l=64$<salt>$<result>`, and passlib's `$pbkdf2-sha256$27500$…` with `.` in place of `+`. */
function parsePhc(text: string): Parts | null {
  const [, name = "", settings] = /^\$(pbkdf2(?:-sha1|-sha256|-sha512)?)\$(.*)$/s.exec(text) ?? [];
  const hash = hashOfName(name);
  if (hash === null || settings === undefined) return null;
  const [, iterations = "", length, salt = "", result = ""] =
    /^(?:i=)?([1-9][0-9]{0,9})(?:,l=([1-9][0-9]{0,2}))?\$([A-Za-z0-9+/.]+={0,2})\$([A-Za-z0-9+/.]+={0,2})$/.exec(
      settings,
    ) ?? [];
  assertWellFormed(iterations !== "");
  const decode = (part: string) => decodeBase64(part.replaceAll(".", "+"));
  const bytes = decode(result);
  assertWellFormed(length === undefined || Number(length) === bytes.length);
  return { hash, iterations: Number(iterations), salt: decode(salt), result: bytes };
}

/** Keycloak's and passlib's names. Plain `pbkdf2` is SHA-1. */
function hashOfName(name: string): Hash | null {
  const match = /^pbkdf2(?:-(sha1|sha256|sha512))?$/.exec(name);
  return match && ((match[1] ?? "sha1") as Hash);
}

/** `pbkdf2:sha256:600000$<salt>$<hex>`; the salt is text. */
function parseWerkzeug(text: string): Parts | null {
  if (!text.startsWith("pbkdf2:")) return null;
  const [, hash, iterations = "", salt = "", result = ""] =
    /^pbkdf2:(sha1|sha256|sha512):([1-9][0-9]{0,9})\$([A-Za-z0-9]{1,128})\$((?:[0-9a-f]{2})+)$/.exec(text) ?? [];
  assertWellFormed(hash !== undefined);
  return {
    hash: hash as Hash,
    iterations: Number(iterations),
    salt: Buffer.from(salt),
    result: Buffer.from(result, "hex"),
  };
}

const ASP_NET_HASHES = ["sha1", "sha256", "sha512"] as const;

/**
 * Base64 of a version byte and what follows it. Version 0 (Identity v2): a salt of 16 bytes and 32 bytes of PBKDF2 with
 * 1,000 iterations of SHA-1. Version 1 (v3): function, iterations and salt length, as big-endian 32-bit numbers, salt, result.
 */
function parseAspNet(text: string): Parts | null {
  // The second letter contains four bits of what follows the version: A to P after version 0, Q after version 1.
  if (!/^A[A-Q][A-Za-z0-9+/]{40,}={0,2}$/.test(text)) return null;
  const bytes = decodeBase64(text);
  if (bytes[0] === 0) {
    assertWellFormed(bytes.length === 49);
    return { hash: "sha1", iterations: 1_000, salt: bytes.subarray(1, 17), result: bytes.subarray(17) };
  }
  assertWellFormed(bytes[0] === 1 && bytes.length > 13);
  const [hash, saltEnd] = [ASP_NET_HASHES[bytes.readUInt32BE(1)], 13 + bytes.readUInt32BE(9)];
  if (hash === undefined || saltEnd >= bytes.length) throw new PasswordHashError("malformed");
  return {
    hash,
    iterations: bytes.readUInt32BE(5),
    salt: bytes.subarray(13, saltEnd),
    result: bytes.subarray(saltEnd),
  };
}
