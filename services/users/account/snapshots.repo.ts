import type { Transaction } from "../../../mixins/database.mixin.ts";

interface Progress {
  readonly cursor: string | null;
  readonly done: boolean;
}

/** How far this incarnation of a stream has come; the first question makes its row. */
export async function readProgress(tx: Transaction, stream: string): Promise<Progress> {
  await tx.query("INSERT INTO users.snapshots (stream) VALUES ($1) ON CONFLICT DO NOTHING", [stream]);
  const [row] = await tx.query<Progress>("SELECT cursor, done FROM users.snapshots WHERE stream = $1", [stream]);
  return row ?? { cursor: null, done: false };
}

export async function writeProgress(tx: Transaction, stream: string, { cursor, done }: Progress): Promise<void> {
  await tx.query("UPDATE users.snapshots SET cursor = $2, done = $3, at = clock_timestamp() WHERE stream = $1", [
    stream,
    cursor,
    done,
  ]);
}

export interface SnapshotRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly email: string;
  readonly full_name: string | null;
  readonly is_active: boolean;
  readonly is_verified: boolean;
  readonly is_deleted: boolean;
  /** Its `user.created` waits to be relayed. */
  readonly unborn: boolean;
  /** Of the last fact that was relayed; those that wait follow it. */
  readonly version: number;
}

/** One statement, so that each account and the version it has are of one moment. */
export function readSnapshotPage(tx: Transaction, after: string | null, limit: number): Promise<SnapshotRow[]> {
  return tx.query<SnapshotRow>(
    `SELECT u.id, u.tenant_id, u.email, u.full_name, u.is_active, u.is_verified, u.deleted_at IS NOT NULL AS is_deleted,
       coalesce(w.unborn, false) AS unborn, coalesce(w.first - 1, c.version, 0) AS version
     FROM users.users u
     LEFT JOIN users.event_counters c ON c.user_id = u.id
     CROSS JOIN LATERAL (
       SELECT min((o.body->>'version')::int) AS first, bool_or(o.body->>'event_type' = 'user.created') AS unborn
       FROM users.outbox o WHERE o.user_id = u.id AND o.kind = 'event' AND o.published_at IS NULL
     ) w
     WHERE $1::uuid IS NULL OR u.id > $1::uuid ORDER BY u.id LIMIT $2`,
    [after, limit],
  );
}
