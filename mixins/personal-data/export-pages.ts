import { fieldError } from "../../lib/actions/errors.ts";
import type { Actions } from "../../lib/actions/typed-call.ts";
import { type ColumnOf, columnNames, columnsOf, type Entity } from "../../lib/database/entity.ts";
import { actorOfEvent, type MeshEvent } from "../../lib/events/events.ts";
import type { Database } from "../database/database.mixin.ts";

type Page = Actions["users.export"]["result"];
type Json = Page["rows"][number];

/** One kind of data that a service stores about a user, read in pages that are small in memory. */
export interface ExportSection {
  readonly name: string;
  /** The page after the position `after`, which is empty for the first one. `next` is the position for the next page. */
  read(userId: string, after: string): Promise<{ readonly rows: readonly object[]; readonly next: string | null }>;
}

const ROWS = 200;

/** The page that a cursor names: `<section>:<position>`. 422 `invalid_cursor` for any other text. */
export async function exportPage(sections: readonly ExportSection[], userId: string, cursor = "0:"): Promise<Page> {
  const [number = "", ...rest] = cursor.split(":");
  const section = /^\d{1,3}$/.test(number) ? sections[Number(number)] : undefined;
  if (!section) throw fieldError("cursor", "invalid_cursor", "is not a valid cursor for this export");
  const { rows, next } = await section.read(userId, rest.join(":"));
  const following = Number(number) + 1 < sections.length ? `${Number(number) + 1}:` : null;
  return { section: section.name, rows: rows.map(asJson), next: next === null ? following : `${number}:${next}` };
}

/** A query with `$1` the user, `$2` the position to continue after and `$3` a limit, whose rows have a `position`. */
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

interface TableSection<E extends Entity> {
  readonly name: string;
  readonly entity: E;
  /** The column with the user's id; `user_id` where not given. */
  readonly owner?: ColumnOf<E>;
  /** Unique among the user's rows. */
  readonly orderBy: ColumnOf<E>;
  /** Columns that are not exported, with the reason. */
  readonly omit: { readonly [Name in ColumnOf<E>]?: string };
}

/** Below every value of its type. */
const lowest: Readonly<Record<string, string>> = {
  uuid: "00000000-0000-0000-0000-000000000000",
  bigint: "0",
  text: "",
};

/** The user's rows of a table. A column that is added to the entity is exported unless it is omitted with a reason. */
export function tableSection<E extends Entity>(
  db: Database,
  { name, entity, owner = "user_id" as ColumnOf<E>, orderBy, omit }: TableSection<E>,
): ExportSection {
  const exported = columnNames(entity).filter((column) => column !== "user_id" && !(column in omit));
  const type = String(entity.columns[orderBy]?.options.type);
  return rowsOf(
    db,
    name,
    lowest[type] ?? "",
    `SELECT t.${orderBy}::text AS position, ${columnsOf(entity, "t", exported)} FROM ${entity.table} t
     WHERE t.${owner} = $1 AND t.${orderBy} > $2::${type} ORDER BY t.${orderBy} LIMIT $3`,
  );
}

/** Data of which a user has little: all in one page. */
export function fewOf(name: string, read: (userId: string) => Promise<readonly object[]>): ExportSection {
  return { name, read: async (userId) => ({ rows: await read(userId), next: null }) };
}

/** The service's events about the user that are still stored for replay. */
export function eventsSection(db: Database): ExportSection {
  const events = rowsOf(
    db,
    "events",
    "0",
    `SELECT id::text AS position, body AS event FROM ${db.schema}.outbox
     WHERE user_id = $1 AND id > $2::bigint AND kind = 'event' ORDER BY id LIMIT $3`,
  );
  return {
    ...events,
    async read(userId, after) {
      const { rows, next } = await events.read(userId, after);
      return {
        rows: (rows as readonly EventRow[]).map((row) => ({ event: withoutOtherActor(row.event, userId) })),
        next,
      };
    },
  };
}

interface EventRow {
  readonly event: MeshEvent;
}

/** Who else acted, and from which address, is that person's data. An address of an unknown actor may be a stranger's. */
function withoutOtherActor(event: MeshEvent, userId: string): object {
  if (actorOfEvent(event) === userId) return event;
  const { actor_id: _, ip: __, ...aboutUser } = event;
  return aboutUser;
}

/** Times are ISO 8601 in UTC. */
function asJson(row: object): Json {
  const entries = Object.entries(row).map(([name, value]) => [
    name,
    value instanceof Date ? value.toISOString() : value,
  ]);
  return Object.fromEntries(entries) as Json;
}
