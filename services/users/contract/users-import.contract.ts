import * as z from "zod";
import { action, byServiceOrOperator } from "../../../lib/actions/contract.ts";
import * as field from "../../../lib/actions/schemas.ts";
import { defaultVisibility, ProfileChange, UserChange, Visibility } from "./users-shapes.contract.ts";

/** Before it there were no accounts of ours, and PostgreSQL's calendar has no year 0. */
const Past = field.Timestamp.refine((time) => time >= "1970", {
  error: "must not be before 1970",
  params: { code: "too_old" },
});

/** What a moved account brings along. Not its roles: who writes a file would make himself an administrator. */
export const accountFields = {
  tenant: field.TenantSlug.default("default"),
  email: field.Email,
  // `username`, the texts and `push_token`, as their owner may set them.
  ...UserChange.omit({ email: true, current_password: true }).shape,
  is_active: z.boolean().default(true),
  is_verified: z.boolean().default(false),
  created_at: Past.optional(),
  last_login_at: Past.nullish(),
  subscription: z.strictObject({ plan: field.Text[100], expires_at: Past.nullish() }).nullish(),
  profile: ProfileChange.optional(),
};

export const ImportedAccount = z.strictObject({
  id: field.Id,
  ...accountFields,
  privacy_profile: Visibility.shape.privacy_profile.default(defaultVisibility.privacy_profile),
  privacy_location: Visibility.shape.privacy_location.default(defaultVisibility.privacy_location),
});

/** One account of a batch that did not come in. */
export const ImportRefusal = z.strictObject({
  id: field.Id,
  field: z.string(),
  code: z.string(),
  message: z.string(),
});

/** Where a page of an export ended. */
const ExportPosition = z.strictObject({ tenant_id: field.Id, created_at: field.Timestamp, id: field.Id });

const MAX_IN_A_BATCH = 500;
const byImporter = byServiceOrOperator("import:write");

/** Whole accounts in and out, in batches. Part of the contract of users. */
export const importActions = {
  /** Which of these could not come in, and which are there under the very id: a batch whose answer was lost. */
  importable: action({
    params: z.strictObject({
      accounts: z
        .array(ImportedAccount.pick({ id: true, tenant: true, email: true, username: true }))
        .max(MAX_IN_A_BATCH),
    }),
    result: z.strictObject({
      /** Tells installations apart. */
      installation: z.string(),
      imported: z.array(field.Id),
      refused: z.array(ImportRefusal),
    }),
    access: byImporter,
    idempotent: true,
  }),
  /**
   * The commit point of an import: all of the batch that can be, in one transaction; safe to repeat with the same ids.
   * States `user.created` with `imported: true`. 503 `overloaded` while too many facts wait to be relayed.
   */
  import: action({
    params: z.strictObject({ accounts: z.array(ImportedAccount).max(MAX_IN_A_BATCH) }),
    result: z.strictObject({ refused: z.array(ImportRefusal) }),
    access: byImporter,
    timeout: 30_000,
  }),
  /** Accounts as `import` takes them, tenant by tenant, oldest first; as many as fit into a message. Deleted ones are not told. */
  exportAccounts: action({
    params: z.strictObject({ tenant: field.TenantSlug.optional(), after: ExportPosition.nullable() }),
    result: z.strictObject({ accounts: z.array(ImportedAccount), next: ExportPosition.nullable() }),
    access: byServiceOrOperator("export:read"),
    idempotent: true,
    timeout: 30_000,
  }),
};
