import { type ColumnOf, columnsOf, sharedColumns } from "../../../lib/database/entity.ts";
import { containsPattern, hasTrigram } from "../../../lib/database/like.ts";
import type { Database, Queryable } from "../../../mixins/database/database.mixin.ts";
import { Person } from "../contract/users-shapes.contract.ts";
import { type Account, isHidden } from "../core/users.repo.ts";
import { Users } from "../users.entities.ts";

/** An account as others of its tenant may see it. */
export type PersonRow = Pick<Account, ColumnOf<typeof Users> & keyof typeof Person.shape>;

/** The user who wants to see an account. Which accounts they may see depends on the privacy settings of the accounts. */
export interface Viewer {
  readonly id: string;
  readonly tenantId: string;
  /** Whether accounts with `connections` visibility are shown too. */
  readonly asConnection: boolean;
}

const shownColumns = sharedColumns(Users, Person.shape).filter((name) => name !== "location");
const personColumns = `${columnsOf(Users, "u", shownColumns)}, CASE WHEN u.privacy_location THEN u.location END AS location`;

/** The values of `privacy_profile` with which the viewer may see an account. */
const visibleSettings = (asConnection: boolean): string[] => (asConnection ? ["public", "connections"] : ["public"]);

/** Reads no cache, so that a changed privacy setting applies as soon as the request that changed it is answered. */
export async function readPerson(on: Queryable, viewer: Viewer, id: string): Promise<PersonRow | undefined> {
  const [row] = await on.query<PersonRow>(
    `SELECT ${personColumns} FROM users.users u
     WHERE u.id = $1 AND u.tenant_id = $2 AND u.is_active AND u.deleted_at IS NULL AND NOT ${isHidden("u")}
       AND (u.privacy_profile = ANY($3::text[]) OR u.id = $4)`,
    [id, viewer.tenantId, visibleSettings(viewer.asConnection), viewer.id],
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

export interface SearchResult {
  /** At most `MAX_RESULTS`. */
  readonly total: number;
  readonly people: PersonRow[];
}

/** At most this many matches are ranked: if there are more, their scores differ too little for a useful order. */
export const MAX_RESULTS = 1_000;

/**
 * PostgreSQL's planner assumes that comparing trigrams costs as little as testing equality, and would scan the whole
 * directory for a common name: 1.7 s among 100,000 people, 0.05 s with the index. Estimating how common a name is takes it
 * 50 ms, so one generic plan is used for all names. JIT is off, because the planner believes the index scan to be so
 * expensive that it would compile the plan.
 */
const PLANNING = `SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true),
  set_config('plan_cache_mode', 'force_generic_plan', true)`;

export function searchPeople(db: Pick<Database, "transaction">, search: Search): Promise<SearchResult> {
  return db.transaction(async (tx) => {
    await tx.query(PLANNING);
    return selectPeople(tx, search);
  });
}

/**
 * Finds the ids of all matches first and reads whole rows only for the page. The left join returns the total even if the
 * page is empty, as one row without an id.
 */
async function selectPeople(on: Queryable, search: Search): Promise<SearchResult> {
  const { where, values, rank } = conditions(search);
  const newestFirst = search.words.length === 0 ? "ORDER BY d.user_id DESC" : "";
  values.push(search.limit, search.offset);
  const rows = await on.query<PersonRow & { total: number; rank: number }>(
    `WITH found AS MATERIALIZED (
       SELECT d.user_id, (${rank})::real AS rank FROM users.directory d JOIN users.users u ON u.id = d.user_id
       WHERE ${where.join(" AND ")} ${newestFirst} LIMIT ${MAX_RESULTS})
     SELECT t.total, page.* FROM (SELECT count(*)::int AS total FROM found) t LEFT JOIN LATERAL (
       SELECT ${personColumns}, f.rank FROM (
         SELECT * FROM found ORDER BY rank DESC, user_id DESC LIMIT $${values.length - 1} OFFSET $${values.length}) f
       JOIN users.users u ON u.id = f.user_id) page ON true
     ORDER BY page.rank DESC, page.id DESC`,
    values,
  );
  const people = rows.filter((row) => row.id !== null).map(({ total: _, rank: __, ...person }) => person);
  return { total: rows[0]?.total ?? 0, people };
}

interface Conditions {
  readonly where: string[];
  readonly values: unknown[];
  readonly rank: string;
}

function conditions({ viewer, words, industry, location, skills }: Search): Conditions {
  const values: unknown[] = [viewer.tenantId, visibleSettings(viewer.asConnection)];
  const where = [
    "d.tenant_id = $1",
    "u.is_active",
    "u.deleted_at IS NULL",
    `NOT ${isHidden("u")}`,
    "u.privacy_profile = ANY($2::text[])",
  ];
  const addParameter = (value: unknown): string => `$${values.push(value)}`;
  const ranks = words.map((word) => {
    const parameter = addParameter(word);
    const similar = `d.words OPERATOR(ext.%>>) ${parameter}`;
    // LIKE is tested first, because similarity takes 20 times as long to compute.
    where.push(hasTrigram(word) ? `(d.words LIKE ${addParameter(containsPattern(word))} OR ${similar})` : similar);
    // `words` contains the names too, so a word that matches a name counts twice.
    return `ext.strict_word_similarity(${parameter}, d.words) + ext.word_similarity(${parameter}, d.names)`;
  });
  if (industry !== null) where.push(`d.industry = users.fold(${addParameter(industry)})`);
  // A hidden location must not be found by a search either.
  if (location !== null)
    where.push(`u.privacy_location AND d.location LIKE users.fold(${addParameter(containsPattern(location))})`);
  if (skills.length > 0)
    where.push(`d.skills @> ARRAY(SELECT users.fold(skill) FROM unnest(${addParameter(skills)}::text[]) AS skill)`);
  return { where, values, rank: ranks.join(" + ") || "0" };
}
