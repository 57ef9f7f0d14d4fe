import * as z from "zod";
import { action, byServiceOrOperator } from "../../../lib/actions/contract.ts";
import * as field from "../../../lib/actions/schemas.ts";
import { defaultVisibility, ProfileChange, UserChange, Visibility } from "./users-shapes.contract.ts";

/**
 * Other systems write times with an offset; they are converted to UTC. Refuses implausible times: PostgreSQL's calendar has
 * no year 0, and no account is older than 1970.
 */
const TimeSince1970 = z.iso
  .datetime({ offset: true })
  .transform((time) => (time.endsWith("Z") ? time : new Date(time).toISOString()))
  .refine((time) => time >= "1970", { error: "must not be before 1970", params: { code: "too_old" } });

/**
 * The fields of an account in an import file, where visibility is given among the preferences. Roles can't be imported:
 * anybody who edits the file could make themselves an administrator.
 */
export const accountFields = {
  tenant: field.TenantSlug.default("default"),
  email: field.Email,
  external_id: field.Text[255].nullish(),
  // `username`, `accountTexts` and `push_token`, under the rules that apply when users change them.
  ...UserChange.omit({ email: true, current_password: true }).shape,
  is_active: z.boolean().default(true),
  is_verified: z.boolean().default(false),
  created_at: TimeSince1970.optional(),
  last_login_at: TimeSince1970.nullish(),
  subscription: z.strictObject({ plan: field.Text[100], expires_at: TimeSince1970.nullish() }).nullish(),
  profile: ProfileChange.optional(),
};

/** The account's id, if it keeps that of another system: a UUID of any version but the nil and the max UUID (RFC 9562). */
export const KeptId = field.Id.transform((id) => id.toLowerCase()).refine((id) => !/^([0f])\1{7}-/.test(id), {
  error: "must be a UUID that can be the id of an account",
  params: { code: "invalid_id" },
});

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

/** Identifies the last account of an export page; the next page continues after it. */
const ExportPosition = z.strictObject({ tenant_id: field.Id, created_at: field.Timestamp, id: field.Id });

const MAX_IN_A_BATCH = 500;
const byImporter = byServiceOrOperator("import:write");

/** Import and export of whole accounts, in batches. Part of the users contract. */
export const importActions = {
  /**
   * Tells in advance which of these accounts `import` would refuse, and which exist already because a batch was imported
   * but its answer was lost.
   */
  importable: action({
    params: z.strictObject({
      accounts: z
        .array(ImportedAccount.pick({ id: true, tenant: true, email: true, username: true, external_id: true }))
        .max(MAX_IN_A_BATCH),
    }),
    result: z.strictObject({
      /** Identifies the database, so that an import is not resumed in a different one. */
      installation: z.string(),
      imported: z.array(field.Id),
      refused: z.array(ImportRefusal),
    }),
    access: byImporter,
    idempotent: true,
  }),
  /**
   * The commit point of an import: imports the valid accounts of the batch in one transaction. Safe to repeat with the same
   * ids. `batch` is a UUIDv7 less than 10 minutes old, from before their credentials were stored. Records `user.created` with
   * `imported: true`. 503 `overloaded` while too many events wait to be relayed.
   */
  import: action({
    params: z.strictObject({ batch: field.Id, accounts: z.array(ImportedAccount).max(MAX_IN_A_BATCH) }),
    result: z.strictObject({ refused: z.array(ImportRefusal) }),
    access: byImporter,
    timeout: 30_000,
  }),
  /**
   * Accounts that are not deleted, in the form that `import` takes, ordered by tenant and age, oldest first. A page has as
   * many accounts as fit into a message.
   */
  exportAccounts: action({
    params: z.strictObject({ tenant: field.TenantSlug.optional(), after: ExportPosition.nullable() }),
    result: z.strictObject({ accounts: z.array(ImportedAccount), next: ExportPosition.nullable() }),
    access: byServiceOrOperator("export:read"),
    idempotent: true,
    timeout: 30_000,
  }),
};
