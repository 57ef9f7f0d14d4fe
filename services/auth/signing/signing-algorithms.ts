import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import { exportJWK, generateKeyPair } from "jose";
import type * as z from "zod";
import { encode } from "../../../lib/crypto/base64url.ts";
import type { Jwk } from "../contract/signing-keys.contract.ts";

export type PublicJwk = z.infer<typeof Jwk>;
export type SigningAlgorithm = PublicJwk["alg"];

/** RSA keys have 2,048 bits, the minimum of RFC 7518 section 3.3 and the usual size at large providers. */
export async function generateSigningKey(
  alg: SigningAlgorithm,
  kid: string,
): Promise<{ readonly privateJwk: string; readonly publicJwk: PublicJwk }> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return {
    privateJwk: JSON.stringify(await exportJWK(privateKey)),
    publicJwk: { ...(await exportJWK(publicKey)), kid, use: "sig", alg } as PublicJwk,
  };
}

/**
 * `text` is the private JWK as `generateSigningKey` returned it. The encoding of ECDSA signatures (RFC 7518 section 3.4) is set
 * as a property of the key object, where Node.js reads it although its documentation does not mention this. If the key is
 * instead passed inside an options object, as documented, Node.js throws and catches two errors for each signature, which
 * then takes 54 µs instead of 38.
 */
export function importSigningKey(text: string): KeyObject {
  const key = createPrivateKey({ key: JSON.parse(text), format: "jwk" });
  return Object.assign(key, { dsaEncoding: "ieee-p1363" });
}

/** Digests of the algorithms (RFC 7518 section 3.1); EdDSA needs none (RFC 8037 section 3.1). */
const digests = { ES256: "sha256", RS256: "sha256", EdDSA: null } as const satisfies Record<SigningAlgorithm, unknown>;

/**
 * A JWT in compact serialization (RFC 7515 section 7.1). It is signed on the main thread, whereas jose would use WebCrypto:
 * handing the work to another thread costs more than the 38 µs that an ES256 signature takes, and all those threads may be
 * busy hashing passwords. An RS256 signature takes 0.25 ms.
 */
export function signJwt(header: { readonly alg: SigningAlgorithm }, payload: object, key: KeyObject): string {
  const input = [header, payload].map((part) => encode(Buffer.from(JSON.stringify(part)))).join(".");
  const signature = sign(digests[header.alg], Buffer.from(input), key);
  return `${input}.${encode(signature)}`;
}
