import * as z from "zod";
import { type ActionDef, byService } from "../actions/contract.ts";
import * as field from "../actions/schemas.ts";

/** One entry of the revocation log. */
export const RevocationEntry = z.strictObject({
  seq: z.int(),
  kind: z.enum(["session", "user", "tenant", "cache"]),
  key: z.string(),
  /** Lowest version that is still valid; for `user` and `tenant` only. */
  value: z.int().nullable(),
});

/** Implemented by every service that caches its rows in the memory of its nodes. */
export const invalidateCacheAction = {
  params: z.strictObject({ gateway_id: field.Id, changes: z.array(RevocationEntry) }),
  result: z.strictObject({ gateway_id: field.Id }),
  access: byService("caches:invalidate"),
  circuitBreaker: false,
  timeout: 1_000,
} as const satisfies ActionDef;
