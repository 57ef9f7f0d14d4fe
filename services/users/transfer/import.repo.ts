import { type ColumnOf, sharedColumns } from "../../../lib/database/entity.ts";
import type { Queryable, Transaction } from "../../../mixins/database/database.mixin.ts";
import { ImportedAccount } from "../contract/users-import.contract.ts";
import type { Account } from "../core/users.repo.ts";
import { Users } from "../users.entities.ts";

export type ImportedColumn = ColumnOf<typeof Users> & keyof typeof ImportedAccount.shape;

/** The columns of the table that are also fields of the contract's `ImportedAccount`. */
export const importedColumns = sharedColumns(Users, ImportedAccount.shape);

const derivedColumns = ["tenant_id", "email_key", "username_key", "search_text"] as const;
const accountColumns = [...importedColumns, ...derivedColumns].join(", ");

type Times = "created_at" | "last_login_at";

export interface ImportRow extends Omit<Pick<Account, ImportedColumn | (typeof derivedColumns)[number]>, Times> {
  readonly created_at: string;
  readonly last_login_at: string | null;
}

interface Import {
  readonly accounts: readonly ImportRow[];
  /** Whole rows of the table `profiles`. */
  readonly profiles: readonly object[];
  readonly subscriptions: ReadonlyArray<{
    readonly user_id: string;
    readonly plan: string;
    readonly expires_at: string | null;
  }>;
}

/**
 * Resolves to the ids of the accounts that were inserted; `findConflicts` tells why the others were not. One statement,
 * because the directory's triggers run at its end and then find both account and profile.
 */
export async function insertImport(
  tx: Transaction,
  { accounts, profiles, subscriptions }: Import,
): Promise<Set<string>> {
  const rows = await tx.query<{ id: string }>(
    `WITH inserted AS (
       INSERT INTO users.users (${accountColumns})
       SELECT ${accountColumns} FROM jsonb_populate_recordset(NULL::users.users, $1::jsonb) ON CONFLICT DO NOTHING RETURNING id
     ), inserted_profiles AS (
       INSERT INTO users.profiles SELECT p.* FROM jsonb_populate_recordset(NULL::users.profiles, $2::jsonb) AS p
       JOIN inserted ON inserted.id = p.user_id
     ), inserted_subscriptions AS (
       INSERT INTO users.subscriptions (user_id, plan, expires_at)
       SELECT s.user_id, s.plan, s.expires_at FROM jsonb_populate_recordset(NULL::users.subscriptions, $3::jsonb) AS s
       JOIN inserted ON inserted.id = s.user_id
     )
     SELECT id FROM inserted`,
    [JSON.stringify(accounts), JSON.stringify(profiles), JSON.stringify(subscriptions)],
  );
  return new Set(rows.map(({ id }) => id));
}

export type AccountKeys = Pick<ImportRow, "id" | "tenant_id" | "email_key" | "username_key" | "external_id">;

export interface Conflict {
  /** The id of the account to import. */
  readonly id: string;
  readonly same_id: boolean;
  readonly same_email: boolean;
  readonly same_external_id: boolean;
  /** The id belonged to an account that was erased, and stays unused. */
  readonly is_erased: boolean;
}

/** The conflicts of these accounts with existing ones. An account may conflict with several, or exist already itself. */
export function findConflicts(on: Queryable, accounts: readonly AccountKeys[]): Promise<Conflict[]> {
  const existingWhere = (condition: string) =>
    `SELECT u.id, u.tenant_id, u.email_key, u.external_id FROM users.users u WHERE ${condition}`;
  return on.query<Conflict>(
    `SELECT w.id, u.id = w.id AS same_id, u.tenant_id = w.tenant_id AND u.email_key = w.email_key AS same_email,
       u.tenant_id = w.tenant_id AND u.external_id IS NOT DISTINCT FROM w.external_id AND w.external_id IS NOT NULL
         AS same_external_id, false AS is_erased
     FROM jsonb_to_recordset($1::jsonb) AS w (id uuid, tenant_id uuid, email_key text, username_key text, external_id text)
     CROSS JOIN LATERAL (
       ${existingWhere("u.id = w.id")}
       UNION ALL ${existingWhere("u.tenant_id = w.tenant_id AND u.email_key = w.email_key")}
       UNION ALL ${existingWhere("u.tenant_id = w.tenant_id AND u.username_key = w.username_key")}
       UNION ALL ${existingWhere("u.tenant_id = w.tenant_id AND u.external_id = w.external_id")}) AS u
     UNION ALL
     SELECT w.id, false, false, false, true FROM jsonb_to_recordset($1::jsonb) AS w (id uuid)
     JOIN users.erased e ON e.user_id = w.id`,
    [JSON.stringify(accounts)],
  );
}

/** Undoes the import of accounts; rows that reference them are deleted by cascade. */
export async function removeImported(tx: Transaction, ids: readonly string[]): Promise<void> {
  await tx.query("DELETE FROM users.users WHERE id = ANY($1::uuid[])", [ids]);
}

export async function findTenantIds(on: Queryable, slugs: readonly string[]): Promise<Map<string, string>> {
  const sql = "SELECT slug, tenant_id AS id FROM users.tenant_slugs WHERE slug = ANY($1::text[])";
  const rows = await on.query<{ slug: string; id: string }>(sql, [slugs]);
  return new Map(rows.map(({ slug, id }) => [slug, id]));
}

/** A name for the database. A clone or a restored copy has another name. */
export async function nameInstallation(on: Queryable, firstTenantId: string): Promise<string> {
  const [row] = await on.query<{ name: string }>(
    `SELECT d.oid || '@' || extract(epoch FROM t.created_at) AS name
     FROM users.tenants t, pg_database d WHERE t.id = $1 AND d.datname = current_database()`,
    [firstTenantId],
  );
  return row?.name ?? "";
}
