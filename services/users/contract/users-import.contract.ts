import * as z from "zod";
import { action, byServiceOrOperator } from "../../../lib/actions/contract.ts";
import * as field from "../../../lib/actions/schemas.ts";
import { defaultVisibility, ProfileChange, UserChange, Visibility } from "./users-shapes.contract.ts";

/** A plausible time: PostgreSQL's calendar has no year 0, and no account is older than 1970. */
const Past = field.Timestamp.refine((time) => time >= "1970", {
  error: "must not be before 1970",
  params: { code: "too_old" },
});

/** Fields of an imported account. Without roles: editing the file would be enough to become an administrator. */
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

/** One account of a batch that was not imported. */
export const ImportRefusal = z.strictObject({
  id: field.Id,
  field: z.string(),
  code: z.string(),
  message: z.string(),
});

/** The last account of an export page. */
const ExportPosition = z.strictObject({ tenant_id: field.Id, created_at: field.Timestamp, id: field.Id });

const MAX_IN_A_BATCH = 500;
const byImporter = byServiceOrOperator("import:write");

/** Import and export of whole accounts, in batches. Part of the users contract. */
export const importActions = {
  /** Which of these would be refused, and which were imported before, by a batch whose answer was lost. */
  importable: action({
    params: z.strictObject({
      accounts: z
        .array(ImportedAccount.pick({ id: true, tenant: true, email: true, username: true }))
        .max(MAX_IN_A_BATCH),
    }),
    result: z.strictObject({
      /** Identifies the installation. */
      installation: z.string(),
      imported: z.array(field.Id),
      refused: z.array(ImportRefusal),
    }),
    access: byImporter,
    idempotent: true,
  }),
  /**
   * The commit point of an import: imports the valid accounts of the batch in one transaction. Safe to repeat with the same
   * ids. Records `user.created` with `imported: true`. 503 `overloaded` while too many events wait to be relayed.
   */
  import: action({
    params: z.strictObject({ accounts: z.array(ImportedAccount).max(MAX_IN_A_BATCH) }),
    result: z.strictObject({ refused: z.array(ImportRefusal) }),
    access: byImporter,
    timeout: 30_000,
  }),
  /** Accounts in the form that `import` takes, by tenant, oldest first, as many as fit into a message. Without deleted ones. */
  exportAccounts: action({
    params: z.strictObject({ tenant: field.TenantSlug.optional(), after: ExportPosition.nullable() }),
    result: z.strictObject({ accounts: z.array(ImportedAccount), next: ExportPosition.nullable() }),
    access: byServiceOrOperator("export:read"),
    idempotent: true,
    timeout: 30_000,
  }),
};
