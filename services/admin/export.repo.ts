import type { Database } from "../../mixins/database.mixin.ts";
import { type ExportSection, rowsOf } from "../../mixins/export-pages.ts";

const FIRST = "-infinity|00000000-0000-0000-0000-000000000000";
const POSITION = `to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '|' || id AS position`;
const BEHIND = "(at, id) > (split_part($2, '|', 1)::timestamptz, split_part($2, '|', 2)::uuid)";

/** Where another acted, his address is not the user's to know. */
export function exportSections(db: Database): readonly ExportSection[] {
  return [
    rowsOf(
      db,
      "activity",
      FIRST,
      `SELECT ${POSITION}, id, action, actor_id, at, CASE WHEN actor_id = user_id THEN ip END AS ip, correlation_id, details
       FROM admin.activity WHERE user_id = $1 AND ${BEHIND} ORDER BY at, id LIMIT $3`,
    ),
    rowsOf(
      db,
      "acts_on_others",
      FIRST,
      `SELECT ${POSITION}, id, action, user_id, at, ip FROM admin.activity
       WHERE actor_id = $1 AND actor_id IS DISTINCT FROM user_id AND ${BEHIND} ORDER BY at, id LIMIT $3`,
    ),
  ];
}
