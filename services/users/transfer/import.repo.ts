import type { Transaction } from "../../../mixins/database.mixin.ts";
import type { Queryable } from "../core/users.repo.ts";

export interface ImportRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly email: string;
  readonly email_key: string;
  readonly username: string | null;
  readonly username_key: string | null;
  readonly full_name: string | null;
  readonly current_title: string | null;
  readonly company: string | null;
  readonly location: string | null;
  readonly bio: string | null;
  readonly push_token: string | null;
  readonly search_text: string;
  readonly is_active: boolean;
  readonly is_verified: boolean;
  readonly privacy_profile: string;
  readonly privacy_location: boolean;
  readonly created_at: string;
  readonly last_login_at: string | null;
}

interface Import {
  readonly accounts: readonly ImportRow[];
  /** Whole rows of `profiles` and of `subscriptions`, of these accounts. */
  readonly profiles: readonly object[];
  readonly subscriptions: ReadonlyArray<{
    readonly user_id: string;
    readonly plan: string;
    readonly expires_at: string | null;
  }>;
}

const accountColumns = `id, tenant_id, email, email_key, username, username_key, full_name, current_title, company, location,
  bio, push_token, search_text, is_active, is_verified, privacy_profile, privacy_location, created_at, last_login_at`;

/**
 * The ids of those that came in; what stands in the way of the others, `findClashes` tells. One statement: the directory's
 * triggers run at its end, and find account and profile both.
 */
export async function insertImport(
  tx: Transaction,
  { accounts, profiles, subscriptions }: Import,
): Promise<Set<string>> {
  const rows = await tx.query<{ id: string }>(
    `WITH made AS (
       INSERT INTO users.users (${accountColumns})
       SELECT ${accountColumns} FROM jsonb_populate_recordset(NULL::users.users, $1::jsonb) ON CONFLICT DO NOTHING RETURNING id
     ), profiled AS (
       INSERT INTO users.profiles SELECT p.* FROM jsonb_populate_recordset(NULL::users.profiles, $2::jsonb) AS p
       JOIN made ON made.id = p.user_id
     ), subscribed AS (
       INSERT INTO users.subscriptions (user_id, plan, expires_at)
       SELECT s.user_id, s.plan, s.expires_at FROM jsonb_populate_recordset(NULL::users.subscriptions, $3::jsonb) AS s
       JOIN made ON made.id = s.user_id
     )
     SELECT id FROM made`,
    [JSON.stringify(accounts), JSON.stringify(profiles), JSON.stringify(subscriptions)],
  );
  return new Set(rows.map(({ id }) => id));
}

export type Wanted = Pick<ImportRow, "id" | "tenant_id" | "email_key" | "username_key">;

export interface Standing {
  /** Of the account that was to come in. */
  readonly id: string;
  readonly same_id: boolean;
  readonly same_email: boolean;
}

/** The accounts that stand in the way of these; one may meet several, or itself. */
export function findStanding(on: Queryable, wanted: readonly Wanted[]): Promise<Standing[]> {
  const there = (condition: string) => `SELECT u.id, u.tenant_id, u.email_key FROM users.users u WHERE ${condition}`;
  return on.query<Standing>(
    `SELECT w.id, u.id = w.id AS same_id, u.tenant_id = w.tenant_id AND u.email_key = w.email_key AS same_email
     FROM jsonb_to_recordset($1::jsonb) AS w (id uuid, tenant_id uuid, email_key text, username_key text)
     CROSS JOIN LATERAL (
       ${there("u.id = w.id")}
       UNION ALL ${there("u.tenant_id = w.tenant_id AND u.email_key = w.email_key")}
       UNION ALL ${there("u.tenant_id = w.tenant_id AND u.username_key = w.username_key")}) AS u`,
    [JSON.stringify(wanted)],
  );
}

/** As if they had not come in; what hangs on them goes along. */
export async function removeImported(tx: Transaction, ids: readonly string[]): Promise<void> {
  await tx.query("DELETE FROM users.users WHERE id = ANY($1::uuid[])", [ids]);
}

export async function findTenantIds(on: Queryable, slugs: readonly string[]): Promise<Map<string, string>> {
  const sql = "SELECT slug, id FROM users.tenants WHERE slug = ANY($1::text[])";
  const rows = await on.query<{ slug: string; id: string }>(sql, [slugs]);
  return new Map(rows.map(({ slug, id }) => [slug, id]));
}

/** Another text for another database, a clone or a restored one too. */
export async function nameInstallation(on: Queryable, firstTenantId: string): Promise<string> {
  const [row] = await on.query<{ name: string }>(
    `SELECT d.oid || '@' || extract(epoch FROM t.created_at) AS name
     FROM users.tenants t, pg_database d WHERE t.id = $1 AND d.datname = current_database()`,
    [firstTenantId],
  );
  return row?.name ?? "";
}
