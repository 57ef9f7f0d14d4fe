import * as z from "zod";
import type { FieldError } from "../../lib/actions/errors.ts";
import { fieldErrors } from "../../lib/actions/validation.ts";
import { ImportedIdentity } from "../../services/auth/contract/transfer.contract.ts";
import { PreferencesChange } from "../../services/preferences/preferences.contract.ts";
import { accountFields, KeptId } from "../../services/users/contract/users-import.contract.ts";
import { type Line, MAX_LINE_BYTES } from "./lines.ts";

const ImportLine = z.strictObject({
  id: KeptId.optional(),
  ...accountFields,
  preferences: PreferencesChange.optional(),
  /** See the formats in docs/integration.md; without one, the user has to reset the password. */
  password_hash: z.string().min(1).max(2_048).nullish(),
  identities: z.array(ImportedIdentity).max(20).optional(),
});
export type ImportLine = z.output<typeof ImportLine>;

/** A refused line, as written to the report. */
export interface Refused {
  readonly line: number;
  readonly code: string;
  readonly message: string;
  readonly errors?: readonly FieldError[];
}

export type Parsed = { readonly value: ImportLine } | { readonly refused: Omit<Refused, "line"> } | "blank";

export function parseLine({ text }: Pick<Line, "text">): Parsed {
  if (text === null)
    return refused("unreadable_line", `is longer than ${MAX_LINE_BYTES / 1024} KiB, or is not UTF-8 text`);
  if (text.trim() === "") return "blank";
  let value: unknown;
  try {
    value = JSON.parse(text, rejectPrototypes);
  } catch {
    return refused("invalid_json", "is not a JSON object on one line");
  }
  const parsed = ImportLine.safeParse(value);
  if (parsed.success) return { value: parsed.data };
  return invalid(fieldErrors(parsed.error.issues, value).map(explainGrant));
}

function refused(code: string, message: string): Parsed {
  return { refused: { code, message: `The line ${message}.` } };
}

export function invalid(errors: readonly FieldError[]): { readonly refused: Omit<Refused, "line"> } {
  return { refused: { code: "validation_failed", message: "Some fields are not valid.", errors } };
}

/** Zod's strict objects do not notice this key. */
function rejectPrototypes(key: string, value: unknown): unknown {
  if (key === "__proto__") throw new SyntaxError("__proto__ is not allowed");
  return value;
}

const grantFields = new Set(["role", "roles", "permissions", "is_admin"]);

function explainGrant(error: FieldError): FieldError {
  if (error.code !== "unknown_field" || !grantFields.has(error.field)) return error;
  return { ...error, code: "not_importable", message: "is granted by an administrator, not by a file" };
}
