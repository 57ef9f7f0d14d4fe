import type { Database } from "../../../mixins/database.mixin.ts";
import type { Queryable } from "../core/users.repo.ts";

/** An account as others of its tenant may see it. */
export interface PersonRow {
  readonly id: string;
  readonly username: string | null;
  readonly full_name: string | null;
  readonly current_title: string | null;
  readonly company: string | null;
  readonly location: string | null;
  readonly bio: string | null;
  readonly avatar_url: string | null;
  readonly is_verified: boolean;
  readonly created_at: Date;
}

/** Whose privacy settings count for whom. */
export interface Viewer {
  readonly id: string;
  readonly tenantId: string;
  /** May see what is for connections. */
  readonly asConnection: boolean;
}

const personColumns = `u.id, u.username, u.full_name, u.current_title, u.company,
  CASE WHEN u.privacy_location THEN u.location END AS location, u.bio, u.avatar_url, u.is_verified, u.created_at`;

/** Read where it is written, so that it holds from the moment the choice was answered. */
const openTo = (asConnection: boolean): string[] => (asConnection ? ["public", "connections"] : ["public"]);

export async function readPerson(on: Queryable, viewer: Viewer, id: string): Promise<PersonRow | undefined> {
  const [row] = await on.query<PersonRow>(
    `SELECT ${personColumns} FROM users.users u
     WHERE u.id = $1 AND u.tenant_id = $2 AND u.is_active AND u.deleted_at IS NULL
       AND (u.privacy_profile = ANY($3::text[]) OR u.id = $4)`,
    [id, viewer.tenantId, openTo(viewer.asConnection), viewer.id],
  );
  return row;
}

export interface Search {
  readonly viewer: Viewer;
  readonly words: readonly string[];
  readonly industry: string | null;
  readonly location: string | null;
  readonly skills: readonly string[];
  readonly limit: number;
  readonly offset: number;
}

export interface Found {
  /** Counted no further than `MOST`. */
  readonly total: number;
  readonly people: PersonRow[];
}

/** Nobody reads further; and of more than so many that match, each matches well. */
export const MOST = 1_000;

/**
 * To the planner likeness costs as little as an equality, so it reads the whole directory where a name is common: 1.7 s
 * among 100,000 people, against 0.05 s by index.
 */
export function searchPeople(db: Pick<Database, "transaction">, search: Search): Promise<Found> {
  return db.transaction(async (tx) => {
    await tx.query("SET LOCAL enable_seqscan = off");
    return selectPeople(tx, search);
  });
}

/** Candidates by index first, then who of them may be seen; only the page's own rows are read whole. */
async function selectPeople(on: Queryable, search: Search): Promise<Found> {
  const { where, values, rank } = conditions(search);
  const newestFirst = search.words.length === 0 ? "ORDER BY d.user_id DESC" : "";
  values.push(search.limit, search.offset);
  const rows = await on.query<PersonRow & { total: number }>(
    `WITH found AS MATERIALIZED (
       SELECT d.user_id, (${rank})::real AS rank FROM users.directory d JOIN users.users u ON u.id = d.user_id
       WHERE ${where.join(" AND ")} ${newestFirst} LIMIT ${MOST})
     SELECT t.total, page.* FROM (SELECT count(*)::int AS total FROM found) t LEFT JOIN LATERAL (
       SELECT ${personColumns}, f.rank FROM (
         SELECT * FROM found ORDER BY rank DESC, user_id DESC LIMIT $${values.length - 1} OFFSET $${values.length}) f
       JOIN users.users u ON u.id = f.user_id) page ON true
     ORDER BY page.rank DESC, page.id DESC`,
    values,
  );
  return { total: rows[0]?.total ?? 0, people: rows.filter((row) => row.id !== null) };
}

interface Conditions {
  readonly where: string[];
  readonly values: unknown[];
  readonly rank: string;
}

function conditions({ viewer, words, industry, location, skills }: Search): Conditions {
  const values: unknown[] = [viewer.tenantId, openTo(viewer.asConnection)];
  const where = ["d.tenant_id = $1", "u.is_active", "u.deleted_at IS NULL", "u.privacy_profile = ANY($2::text[])"];
  const next = (value: unknown): string => `$${values.push(value)}`;
  const ranks = words.map((word) => {
    const name = next(word);
    const alike = `d.words OPERATOR(ext.%>>) ${name}`;
    // The cheap one first: likeness takes 20 times as long to tell.
    where.push(hasTrigram.test(word) ? `(d.words LIKE ${next(containing(word))} OR ${alike})` : alike);
    return `ext.strict_word_similarity(${name}, d.words) + ext.word_similarity(${name}, d.names)`;
  });
  if (industry !== null) where.push(`d.industry = users.fold(${next(industry)})`);
  // Who hides his location is not found by it either.
  if (location !== null) where.push(`u.privacy_location AND d.location LIKE users.fold(${next(containing(location))})`);
  if (skills.length > 0)
    where.push(`d.skills @> ARRAY(SELECT users.fold(skill) FROM unnest(${next(skills)}::text[]) AS skill)`);
  return { where, values, rank: ranks.join(" + ") || "0" };
}

/** Without one, LIKE would read the whole index. */
const hasTrigram = /[\p{L}\p{N}]{3}/u;

function containing(text: string): string {
  return `%${text.replace(/[\\%_]/g, "\\$&")}%`;
}
