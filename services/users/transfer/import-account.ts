import type * as z from "zod";
import { AppError, type ErrorCode, fieldError } from "../../../lib/actions/errors.ts";
import { usernameKey } from "../../../lib/runtime/text-keys.ts";
import type { ImportedAccount, ImportRefusal } from "../contract/users-import.contract.ts";
import { derivedColumns, indexableEmailKey } from "../core/derived-columns.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { toRow, withEmpty } from "../profile/profile-view.ts";
import { unknownTenant } from "../tenants/tenant-settings.ts";
import type { ProfileRow } from "../users.entities.ts";
import { type ImportedColumn, type ImportRow, importedColumns } from "./import.repo.ts";

type Account = z.output<typeof ImportedAccount>;
type Refusal = z.output<typeof ImportRefusal>;
type NamedAccount = Pick<Account, "id" | "tenant" | "email" | "username">;

/** Checks each account by itself. `accepted` are what `make` made of the valid ones. */
export function classifyImport<A extends { readonly id: string }, R>(
  accounts: readonly A[],
  make: (account: A) => R,
): { accepted: R[]; refused: Refusal[] } {
  const refused: Refusal[] = [];
  const accepted = accounts.flatMap((account) => {
    try {
      return [make(account)];
    } catch (error) {
      refused.push(refusalOf(account.id, error));
      return [];
    }
  });
  return { accepted, refused };
}

/** Any other error fails the batch. */
function refusalOf(id: string, error: unknown): Refusal {
  const [first] = error instanceof AppError ? (error.data.errors ?? []) : [];
  if (!first) throw error;
  return { id, ...first };
}

/** With the text of the error catalogue. */
export function refusalFor(id: string, field: string, code: ErrorCode): Refusal {
  return { id, field, code, message: new AppError(code).message };
}

export function keysOf({ id, tenant, email, username }: NamedAccount, tenants: ReadonlyMap<string, string>) {
  const tenant_id = tenants.get(tenant);
  if (tenant_id === undefined) throw unknownTenant();
  return {
    id,
    tenant_id,
    email_key: indexableEmailKey(email),
    username_key: username == null ? null : usernameKey(username),
  };
}

export function accountRow(account: Account, tenants: ReadonlyMap<string, string>, now: Date): ImportRow {
  for (const name of ["created_at", "last_login_at"] as const) assertNoFutureDates(name, account[name], now);
  assertNoFutureDates("profile.date_of_birth", account.profile?.date_of_birth, now);
  const given = importedColumns.map((name) => [name, account[name] ?? null]);
  const row = Object.fromEntries(given) as Pick<ImportRow, ImportedColumn>;
  const created_at = account.created_at ?? now.toISOString();
  return { ...row, ...keysOf(account, tenants), search_text: derivedColumns(row).search_text, created_at };
}

function assertNoFutureDates(name: string, time: string | null | undefined, now: Date): void {
  if (time && Date.parse(time) > now.getTime()) throw fieldError(name, "in_the_future", "must not be in the future");
}

export function profileRow(ring: UsersDeps["ring"], { id, profile = {} }: Account, now: Date): ProfileRow {
  return toRow(ring, id, withEmpty(profile), now);
}
