import * as z from "zod";
import { action, byService, contract } from "../../lib/actions/contract.ts";
import * as field from "../../lib/actions/schemas.ts";
import { RevocationEntry } from "../../lib/contracts/revocation.contract.ts";

const Introspection = z
  .strictObject({
    active: z.boolean(),
    token_type: z.enum(["Bearer", "refresh_token"]).optional(),
    sub: field.Id.optional(),
    iss: z.string().optional(),
    aud: z.string().optional(),
    exp: z.int().optional(),
    iat: z.int().optional(),
    jti: z.string().optional(),
    /** The permissions, separated by spaces. */
    scope: z.string().optional(),
    sid: field.Id.optional(),
    tid: field.Id.optional(),
    roles: z.array(z.string()).optional(),
    tier: z.enum(["basic", "premium"]).optional(),
  })
  .meta({ id: "Introspection" });

export const gatewayContract = contract("gateway", {
  requiredPermissions: [
    "sessions:lease",
    "sessions:inspect",
    "users:status",
    "users:avatars",
    "users:tenants",
    "users:brand",
    "activity:record",
    "mail:samples",
  ],
  actions: {
    /** Token introspection (RFC 7662), for services without a lease. A token that is invalid for any reason is inactive. */
    introspect: action({
      params: z.strictObject({
        token: z.string().min(1).max(8_192),
        token_type_hint: z.string().max(64).optional(),
      }),
      result: Introspection,
      access: { callers: ["service", "user", "operator"], permission: "platform:introspect" },
      idempotent: true,
    }),
    /** Called by sessions for each lease holder after a revocation. Returning the id acknowledges it for that process. */
    applyRevocations: action({
      params: z.strictObject({ gateway_id: field.Id, changes: z.array(RevocationEntry) }),
      result: z.strictObject({ gateway_id: field.Id }),
      access: byService("gateway:revoke"),
      circuitBreaker: false,
      timeout: 1_000,
    }),
  },
});
