import * as z from "zod";
import type { ActionDef } from "../actions/contract.ts";
import * as field from "../actions/schemas.ts";

/** One entry of the feed: what is void from now on. */
export const RevocationEntry = z.strictObject({
  seq: z.int(),
  kind: z.enum(["session", "user", "tenant", "cache"]),
  key: z.string(),
  /** Least version that is still good, for `user` and `tenant`. */
  value: z.int().nullable(),
});

/** Of every service that keeps its own rows in the memory of its nodes. */
export const cacheInvalidation = {
  params: z.strictObject({ gateway_id: field.Id, changes: z.array(RevocationEntry) }),
  result: z.strictObject({ gateway_id: field.Id }),
  access: { callers: ["service"], permission: "caches:invalidate" },
  circuitBreaker: false,
  timeout: 1_000,
} as const satisfies ActionDef;
