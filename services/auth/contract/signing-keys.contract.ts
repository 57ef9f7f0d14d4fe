import * as z from "zod";
import { action, asAdministrator, byService } from "../../../lib/actions/contract.ts";
import * as field from "../../../lib/actions/schemas.ts";
import { readsKeys, SigningKey } from "../../../lib/contracts/key-usage.contract.ts";

const jwkFields = { kid: z.string(), use: z.literal("sig") };

/** Public key of an access token's signature (RFC 7517, RFC 7518 section 6, RFC 8037). */
export const Jwk = z.discriminatedUnion("alg", [
  z.object({
    kty: z.literal("EC"),
    crv: z.literal("P-256"),
    x: z.string(),
    y: z.string(),
    ...jwkFields,
    alg: z.literal("ES256"),
  }),
  z.object({ kty: z.literal("RSA"), n: z.string(), e: z.string(), ...jwkFields, alg: z.literal("RS256") }),
  z.object({ kty: z.literal("OKP"), crv: z.literal("Ed25519"), x: z.string(), ...jwkFields, alg: z.literal("EdDSA") }),
]);

/** The keys that sign access tokens. */
export const signingKeyActions = {
  /** The JWK set (RFC 7517) of all keys that verify signatures now or will soon. */
  keys: action({
    params: field.Empty,
    result: z.strictObject({ keys: z.array(Jwk) }),
    access: { callers: ["anonymous", "user", "service", "operator"] },
    idempotent: true,
    circuitBreaker: false,
  }),
  /** Creates the next signing key in time, deletes expired ones, and moves secrets to the active key of the ring. */
  rotateKeys: action({
    params: field.Empty,
    result: z.record(z.string(), z.int()),
    access: byService("maintenance:run"),
    timeout: 60_000,
  }),
  /** The signing keys with their times, the newest first. */
  signingKeys: action({ params: field.Empty, result: z.array(SigningKey), access: readsKeys, idempotent: true }),
  /**
   * Replaces the signing key out of turn, for example after a leak. The new one is published now and signs in two minutes,
   * when every gateway knows it; the old one verifies until its last token has expired.
   */
  rotateSigningKey: action({
    params: field.Empty,
    result: z.strictObject({ kid: z.string(), sign_from: field.Timestamp }),
    access: asAdministrator("platform:keys"),
  }),
};
