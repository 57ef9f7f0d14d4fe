import * as z from "zod";
import { action, byServiceOrOperator } from "../../../lib/actions/contract.ts";
import * as field from "../../../lib/actions/schemas.ts";
import { ImportRefusal } from "../../users/contract/users-import.contract.ts";

/** An account at an identity provider, in an import file. */
export const ImportedIdentity = z.strictObject({
  /** The issuer as configured in OAUTH_<NAME>_ISSUER; a slash at its end does not count. */
  issuer: z
    .url({ protocol: /^https?$/ })
    .max(500)
    .transform((issuer) => issuer.replace(/\/+$/, "")),
  /** The claim of the ID token (OpenID Connect Core section 2), for Entra with many issuers `<tenant id>/<sub>`. */
  sub: z.string().regex(/^[\x20-\x7E]{1,300}$/, { error: "must be 1 to 255 printable ASCII characters" }),
  email: field.Email.nullish(),
});

/** What `npm run import` and `npm run export` call. */
export const transferActions = {
  /** Stores password hashes of another system, before their accounts are imported. Those in `refused` are not stored. */
  importCredentials: action({
    params: z.strictObject({
      credentials: z.array(z.strictObject({ user_id: field.Id, password_hash: z.string().max(2_048) })).max(500),
    }),
    result: z.strictObject({ refused: z.array(ImportRefusal) }),
    access: byServiceOrOperator("import:write"),
    timeout: 20_000,
  }),
  /**
   * Links accounts at identity providers, before the accounts are imported. `refused` lists accounts whose identity belongs
   * to another account (`identity_taken`), or that have two identities of one issuer.
   */
  importIdentities: action({
    params: z.strictObject({
      accounts: z
        .array(z.strictObject({ user_id: field.Id, tenant: field.TenantSlug, identities: z.array(ImportedIdentity) }))
        .max(500),
    }),
    result: z.strictObject({ refused: z.array(ImportRefusal) }),
    access: byServiceOrOperator("import:write"),
    timeout: 20_000,
  }),
  /** The linked identities of these accounts, in the form that `importIdentities` takes. */
  exportIdentities: action({
    params: z.strictObject({ user_ids: z.array(field.Id).max(1_000) }),
    result: z.strictObject({
      accounts: z.array(z.strictObject({ user_id: field.Id, identities: z.array(ImportedIdentity) })),
    }),
    access: byServiceOrOperator("export:read"),
    idempotent: true,
  }),
};
