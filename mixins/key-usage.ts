import type { ServiceSchema } from "moleculer";
import type { Logger } from "pino";
import type { Actions } from "../lib/actions/typed-call.ts";
import { ConfigError } from "../lib/config/config.ts";
import type { KeyRing } from "../lib/crypto/key-ring.ts";
import type { Metrics } from "../lib/observability/metrics.ts";
import type { Clock } from "../lib/runtime/clock.ts";
import { createTtlCache } from "../lib/runtime/ttl-cache.ts";
import type { Database } from "./database/database.mixin.ts";

/** `sql` selects the columns `kid` and `rows`. Its statement timeout is raised, because it reads every row. */
export async function readKeyUsage(
  { db, ring }: { readonly db: Database; readonly ring: KeyRing },
  what: string,
  sql: string,
): Promise<Actions["auth.keyUsage"]["result"]> {
  const rows = await db.transaction(async (tx) => {
    await tx.query("SET LOCAL statement_timeout = '15s'");
    return tx.query<{ kid: string; rows: number }>(sql);
  });
  return { active: ring.active, known: [...ring.kids], usage: rows.map((row) => ({ what, ...row })) };
}

/** Counting reads every row, so it is not done at each scrape. */
const USAGE_TTL_MS = 300_000;

/** Shows in the metrics how far the re-encryption after a key rotation has progressed. */
export function reportKeyUsage(
  metrics: Pick<Metrics, "report">,
  { db, ring, clock }: { readonly db: Database; readonly ring: KeyRing; readonly clock: Clock },
  what: string,
  sql: string,
): void {
  const cache = createTtlCache<Awaited<ReturnType<typeof readKeyUsage>>>(clock, { ttlMs: USAGE_TTL_MS });
  metrics.report("sealed_values", async () => {
    const { usage, active } = await cache.read(what, () => readKeyUsage({ db, ring }, what, sql));
    return usage.map(({ kid, rows }) => [{ what, kid, active: String(kid === active) }, rows]);
  });
}

interface KnownKeysDeps {
  readonly db: Database;
  readonly ring: KeyRing;
  readonly log: Logger;
}

/** Rows with sealed values. For `knownKeys` there must be an index on `kid`, of the rows of `where`. */
interface SealedRows {
  /** With its schema. */
  readonly table: string;
  /** SQL expression: the id of the key. */
  readonly kid: string;
  /** SQL condition: which rows have a sealed value. */
  readonly where: string;
}

export function countByKey({ table, kid, where }: SealedRows): string {
  return `SELECT ${kid} AS kid, count(*)::int AS rows FROM ${table} WHERE ${where} GROUP BY 1 ORDER BY 1`;
}

/** Goes from one key to the next in the index, because counting would read every row at each start of a node. */
function listKeys({ table, kid, where }: SealedRows): string {
  const next = (after: string) => `(SELECT min(${kid}) FROM ${table} WHERE ${where}${after})`;
  return `WITH RECURSIVE found (kid) AS (
      SELECT ${next("")} UNION ALL SELECT ${next(` AND ${kid} > found.kid`)} FROM found WHERE found.kid IS NOT NULL
    ) SELECT kid FROM found WHERE kid IS NOT NULL`;
}

/**
 * Refuses the start of a node whose key ring lacks a key that protects stored values: it would look healthy and answer 503
 * for each of them. Must come after `database` in a service's mixins.
 */
export function knownKeys({ db, ring, log }: KnownKeysDeps, what: string, rows: SealedRows): Partial<ServiceSchema> {
  return {
    async started() {
      const found = await db.query<{ kid: string }>(listKeys(rows)).catch((error: Error) => {
        log.warn({ error: error.message }, "keys in use could not be read, starting without that check");
      });
      if (!found?.some(({ kid }) => !ring.kids.includes(kid))) return;
      const { usage } = await readKeyUsage({ db, ring }, what, countByKey(rows));
      throw new ConfigError(usage.filter(({ kid }) => !ring.kids.includes(kid)).map(describeMissing));
    },
  };
}

function describeMissing({ what, kid, rows }: Actions["auth.keyUsage"]["result"]["usage"][number]): string {
  const remedy = kid === "k0" ? " A key without an id is k0: write it as k0:<key>." : "";
  return `SECRET_KEY has no key ${kid}, which protects ${rows} ${what}. Keep it behind the active key: ${kid}:<key>.${remedy}`;
}
