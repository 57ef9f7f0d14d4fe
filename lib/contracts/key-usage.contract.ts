import * as z from "zod";
import { type ActionDef, byServiceOrOperator } from "../actions/contract.ts";
import * as field from "../actions/schemas.ts";

/** Callers that may list keys: operators, and the admin service for the console. */
export const readsKeys = byServiceOrOperator("keys:read");

export const KeyUsage = z.strictObject({
  /** The key ring of the node that answers. */
  active: z.string(),
  known: z.array(z.string()),
  usage: z.array(z.strictObject({ what: z.string(), kid: z.string(), rows: z.int() })),
});

const SigningAlgorithm = z.enum(["ES256", "RS256", "EdDSA"]);

/** A key that signs access tokens, with its times. */
export const SigningKey = z.strictObject({
  kid: z.string(),
  alg: SigningAlgorithm,
  state: z.enum(["next", "signing", "verifying"]),
  sealed_under: z.string(),
  sign_from: field.Timestamp,
  sign_until: field.Timestamp,
  verify_until: field.Timestamp,
});

/** Implemented by every service that stores values under the key ring: how many rows use which key. */
export const keyUsageAction = {
  params: field.Empty,
  result: KeyUsage,
  access: readsKeys,
  idempotent: true,
  timeout: 20_000,
} as const satisfies ActionDef;
