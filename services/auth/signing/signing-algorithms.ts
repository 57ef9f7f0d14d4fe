import { exportJWK, generateKeyPair, importJWK } from "jose";
import type * as z from "zod";
import type { Jwk } from "../contract/signing-keys.contract.ts";

export type PublicJwk = z.infer<typeof Jwk>;
export type SigningAlgorithm = PublicJwk["alg"];
export type PrivateKey = Awaited<ReturnType<typeof generateKeyPair>>["privateKey"];

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

/** `text` is the private JWK as `generateSigningKey` returned it. */
export async function importSigningKey(alg: SigningAlgorithm, text: string): Promise<PrivateKey> {
  return (await importJWK(JSON.parse(text), alg)) as PrivateKey;
}
