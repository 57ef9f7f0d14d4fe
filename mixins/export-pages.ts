import { fieldError } from "../lib/actions/errors.ts";
import type { Actions } from "../lib/actions/typed-call.ts";
import type { Database } from "./database.mixin.ts";

type Page = Actions["users.export"]["result"];
type Json = Page["rows"][number];

/** One kind of thing that a service holds of a user, in parts that fit into memory many times over. */
export interface ExportSection {
  readonly name: string;
  /** From behind `after`, which is empty for the first part. */
  read(userId: string, after: string): Promise<{ readonly rows: readonly object[]; readonly next: string | null }>;
}

const ROWS = 200;

/** The part that the cursor names: `<section>:<position>`. */
export async function exportPage(sections: readonly ExportSection[], userId: string, cursor = "0:"): Promise<Page> {
  const [number = "", ...rest] = cursor.split(":");
  const section = /^\d{1,3}$/.test(number) ? sections[Number(number)] : undefined;
  if (!section) throw fieldError("cursor", "invalid_cursor", "is not a valid cursor for this export");
  const { rows, next } = await section.read(userId, rest.join(":"));
  const following = Number(number) + 1 < sections.length ? `${Number(number) + 1}:` : null;
  return { section: section.name, rows: rows.map(asJson), next: next === null ? following : `${number}:${next}` };
}

/** The rows of a query with `$1` the user, `$2` the position to go on from and `$3` a limit, each with its `position`. */
export function rowsOf(db: Database, name: string, first: string, sql: string): ExportSection {
  return {
    name,
    async read(userId, after) {
      const found = await db.query<{ position: string }>(sql, [userId, after === "" ? first : after, ROWS]);
      const last = found.length === ROWS ? found.at(-1) : undefined;
      return { rows: found.map(({ position: _, ...row }) => row), next: last ? last.position : null };
    },
  };
}

/** What there is little of. */
export function fewOf(name: string, read: (userId: string) => Promise<readonly object[]>): ExportSection {
  return { name, read: async (userId) => ({ rows: await read(userId), next: null }) };
}

/** What the service has stated of the user and keeps for replay. */
export function eventsSection(db: Database): ExportSection {
  return rowsOf(
    db,
    "events",
    "0",
    `SELECT id::text AS position, body AS event FROM ${db.schema}.outbox
     WHERE user_id = $1 AND id > $2::bigint AND kind = 'event' ORDER BY id LIMIT $3`,
  );
}

/** Times in UTC as everywhere. */
function asJson(row: object): Json {
  const entries = Object.entries(row).map(([name, value]) => [
    name,
    value instanceof Date ? value.toISOString() : value,
  ]);
  return Object.fromEntries(entries) as Json;
}
