import type * as z from "zod";
import { AppError, type ErrorCode, fieldError } from "../../../lib/actions/errors.ts";
import { usernameKey } from "../../../lib/runtime/text-keys.ts";
import type { ImportedAccount, ImportRefusal } from "../contract/users-import.contract.ts";
import { derivedColumns, indexableEmailKey } from "../core/derived-columns.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { toProfileRow, withUnsetFields } from "../profile/profile-view.ts";
import { unknownTenant } from "../tenants/tenant-settings.ts";
import type { ProfileRow } from "../users.entities.ts";
import { type ImportedColumn, type ImportRow, importedColumns } from "./import.repo.ts";

type Account = z.output<typeof ImportedAccount>;
type Refusal = z.output<typeof ImportRefusal>;
type AccountIdentity = Pick<Account, "id" | "tenant" | "email" | "username" | "external_id">;

/**
 * Converts each account on its own. An account for which `convert` throws a field error is refused, the others are
 * accepted.
 */
export function classifyImport<A extends { readonly id: string }, R>(
  accounts: readonly A[],
  convert: (account: A) => R,
): { accepted: R[]; refused: Refusal[] } {
  const refused: Refusal[] = [];
  const accepted = accounts.flatMap((account) => {
    try {
      return [convert(account)];
    } catch (error) {
      refused.push(refusalFromError(account.id, error));
      return [];
    }
  });
  return { accepted, refused };
}

/** An error that names no field is not caused by the account, so it fails the whole batch. */
function refusalFromError(id: string, error: unknown): Refusal {
  const [first] = error instanceof AppError ? (error.data.errors ?? []) : [];
  if (!first) throw error;
  return { id, ...first };
}

/** The message is the one that the error catalogue has for the code. */
export function refusalWithCode(id: string, field: string, code: ErrorCode): Refusal {
  return { id, field, code, message: new AppError(code).message };
}

/** The account's tenant and unique keys, which decide whether it conflicts with an existing account. */
export function accountKeys(
  { id, tenant, email, username, external_id = null }: AccountIdentity,
  tenants: ReadonlyMap<string, string>,
) {
  const tenant_id = tenants.get(tenant);
  if (tenant_id === undefined) throw unknownTenant();
  return {
    id,
    tenant_id,
    email_key: indexableEmailKey(email),
    username_key: username == null ? null : usernameKey(username),
    external_id,
  };
}

export function accountRow(account: Account, tenants: ReadonlyMap<string, string>, now: Date): ImportRow {
  for (const name of ["created_at", "last_login_at"] as const) assertNotInFuture(name, account[name], now);
  assertNotInFuture("profile.date_of_birth", account.profile?.date_of_birth, now);
  const given = importedColumns.map((name) => [name, account[name] ?? null]);
  const row = Object.fromEntries(given) as Pick<ImportRow, ImportedColumn>;
  const created_at = account.created_at ?? now.toISOString();
  return { ...row, ...accountKeys(account, tenants), search_text: derivedColumns(row).search_text, created_at };
}

function assertNotInFuture(name: string, time: string | null | undefined, now: Date): void {
  if (time && Date.parse(time) > now.getTime()) throw fieldError(name, "in_the_future", "must not be in the future");
}

export function profileRow(ring: UsersDeps["ring"], { id, profile = {} }: Account, now: Date): ProfileRow {
  return toProfileRow(ring, id, withUnsetFields(profile), now);
}
