import type { RowOf } from "../../../lib/database/entity.ts";
import type { Transaction } from "../../../mixins/database/database.mixin.ts";
import type { Account } from "../core/users.repo.ts";
import { Snapshots } from "../users.entities.ts";

type Progress = Pick<RowOf<typeof Snapshots>, "cursor" | "done">;

/** How far a recreated stream has received the snapshot; the first call creates its row. */
export async function readProgress(tx: Transaction, stream: string): Promise<Progress> {
  await tx.repository(Snapshots).insertOrIgnore({ stream });
  return (await tx.repository(Snapshots).findOneBy({ stream })) ?? { cursor: null, done: false };
}

export async function writeProgress(tx: Transaction, stream: string, { cursor, done }: Progress): Promise<void> {
  await tx.repository(Snapshots).update({ stream }, { cursor, done, at: () => "clock_timestamp()" });
}

type SnapshotColumn = "id" | "tenant_id" | "email" | "full_name" | "is_active" | "is_verified";

export interface SnapshotRow extends Pick<Account, SnapshotColumn> {
  readonly is_deleted: boolean;
  /** Its `user.created` has not been relayed yet. */
  readonly is_unpublished: boolean;
  /** The version of the last event that was relayed. Events that still wait for the relay have higher versions. */
  readonly version: number;
}

/** One statement, so that each account and its version are of the same moment. */
export function readSnapshotPage(tx: Transaction, after: string | null, limit: number): Promise<SnapshotRow[]> {
  return tx.query<SnapshotRow>(
    `SELECT u.id, u.tenant_id, u.email, u.full_name, u.is_active, u.is_verified, u.deleted_at IS NOT NULL AS is_deleted,
       coalesce(w.is_unpublished, false) AS is_unpublished, coalesce(w.first - 1, c.version, 0) AS version
     FROM users.users u
     LEFT JOIN users.event_counters c ON c.user_id = u.id
     CROSS JOIN LATERAL (
       SELECT min((o.body->>'version')::int) AS first, bool_or(o.body->>'event_type' = 'user.created') AS is_unpublished
       FROM users.outbox o WHERE o.user_id = u.id AND o.kind = 'event' AND o.published_at IS NULL
     ) w
     WHERE $1::uuid IS NULL OR u.id > $1::uuid ORDER BY u.id LIMIT $2`,
    [after, limit],
  );
}
