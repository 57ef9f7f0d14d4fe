import { createHash } from "node:crypto";
import type { Query } from "../../lib/database/schema-names.ts";

/** The state of a tenant's chain at some time: its entry with this number has this hash. */
export interface Anchor {
  readonly tenant: string;
  readonly seq: number;
  readonly hash: string;
}

export interface Verification {
  readonly heads: readonly Anchor[];
  readonly problems: readonly string[];
  /** Entries from which an erasure removed something. */
  readonly erased: number;
}

interface Entry {
  readonly id: string;
  readonly tenant: string;
  readonly seq: string;
  readonly hash: string;
  readonly action: string;
  readonly at: string;
  readonly actor_id: string | null;
  /** `operator:<name>`. */
  readonly actor: string | null;
  readonly ip: string | null;
  readonly actor_salt: string | null;
  readonly actor_hash: string;
  readonly user_id: string | null;
  readonly correlation_id: string | null;
  readonly details: string;
  readonly subject_salt: string | null;
  readonly subject_hash: string;
}

const PAGE = 5_000;

/**
 * Computes the chains of all tenants again, here and not with the functions of the database, which an attacker who changed the log
 * could have changed too. The order of the fields is that of services/admin/sql/activity-chain.sql.
 */
export async function verifyActivity(query: Query, anchors: readonly Anchor[] = []): Promise<Verification> {
  // One snapshot, so that entries that are added meanwhile do not look like a difference between chains and heads.
  await query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const stored = await query<{ tenant: string; seq: string; hash: string }>(
    "SELECT tenant_id AS tenant, seq, encode(hash, 'hex') AS hash FROM admin.activity_chains ORDER BY tenant_id",
  );
  const problems: string[] = [];
  const heads: Anchor[] = [];
  let erased = 0;
  for (const tenant of await tenantsOf(query)) {
    const own = anchors.filter((anchor) => anchor.tenant === tenant);
    const chain = await verifyChain(query, tenant, own);
    problems.push(...chain.problems);
    erased += chain.erased;
    heads.push(chain.head);
    const head = stored.rows.find((one) => one.tenant === tenant);
    if (Number(head?.seq) !== chain.head.seq || head?.hash !== chain.head.hash)
      problems.push(
        `${tenant}: the chain does not end at its recorded head: entries were removed or added at its end.`,
      );
  }
  for (const { tenant } of anchors)
    if (!heads.some((head) => head.tenant === tenant)) problems.push(`${tenant}: the chain is gone.`);
  await query("COMMIT");
  return { heads, problems: [...new Set(problems)], erased };
}

async function tenantsOf(query: Query): Promise<string[]> {
  const { rows } = await query<{ tenant: string }>(
    `SELECT tenant_id AS tenant FROM admin.activity_chains UNION SELECT DISTINCT tenant_id FROM admin.activity ORDER BY 1`,
  );
  return rows.map(({ tenant }) => tenant);
}

async function verifyChain(query: Query, tenant: string, anchors: readonly Anchor[]) {
  const problems: string[] = [];
  let [seq, hash, erased] = [0, "", 0];
  for (let page = await readPage(query, tenant, seq); page.length > 0; page = await readPage(query, tenant, seq)) {
    for (const entry of page) {
      const found = problemsOf(entry, seq, hash);
      problems.push(...found.map((problem) => `${tenant}: entry ${entry.seq} (${entry.id}) ${problem}.`));
      if (entry.actor_salt === null || entry.subject_salt === null) erased += 1;
      seq = Number(entry.seq);
      hash = entry.hash;
      if (anchors.some((anchor) => anchor.seq === seq && anchor.hash !== hash))
        problems.push(`${tenant}: entry ${seq} differs from the anchor.`);
    }
  }
  for (const anchor of anchors)
    if (anchor.seq > seq) problems.push(`${tenant}: the chain is shorter than the anchor: ${seq}, not ${anchor.seq}.`);
  return { head: { tenant, seq, hash }, problems, erased };
}

async function readPage(query: Query, tenant: string, after: number): Promise<Entry[]> {
  const { rows } = await query<Entry>(
    `SELECT id, tenant_id AS tenant, seq, encode(hash, 'hex') AS hash, action,
       to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS') AS at,
       actor_id, actor, ip, actor_salt, encode(actor_hash, 'hex') AS actor_hash,
       user_id, correlation_id, details::text AS details, subject_salt, encode(subject_hash, 'hex') AS subject_hash
     FROM admin.activity WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT ${PAGE}`,
    [tenant, after],
  );
  return rows;
}

function problemsOf(entry: Entry, seqBefore: number, hashBefore: string): string[] {
  const { seq, id, tenant, action, at, actor_hash, subject_hash } = entry;
  const expected = hashFields([hashBefore, seq, id, tenant, action, at, actor_hash, subject_hash]);
  return [
    ...(Number(seq) === seqBefore + 1 ? [] : [`follows entry ${seqBefore}: entries between them were removed`]),
    ...(entry.hash === expected ? [] : ["was changed, or what is before it"]),
    ...personalProblems(entry),
  ];
}

/** What was erased can't be verified, so it must be empty. */
function personalProblems(entry: Entry): string[] {
  const { actor_salt, actor_id, actor, ip, actor_hash, subject_salt, user_id, correlation_id, details, subject_hash } =
    entry;
  const isActorRight = actor_salt === null ? ip === null : hashFields([actor_salt, actor_id, actor, ip]) === actor_hash;
  const isSubjectRight =
    subject_salt === null
      ? details === "{}" && correlation_id === null
      : hashFields([subject_salt, user_id, correlation_id, details]) === subject_hash;
  return [
    ...(isActorRight ? [] : ["has another actor or address than when it was written"]),
    ...(isSubjectRight ? [] : ["has another user or other details than when it was written"]),
  ];
}

function hashFields(fields: ReadonlyArray<string | null>): string {
  const text = fields.map((field) => (field === null ? "-" : `${Buffer.byteLength(field)}:${field}`)).join(",");
  return createHash("sha256").update(text).digest("hex");
}
