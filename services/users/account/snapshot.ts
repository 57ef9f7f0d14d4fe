import type { MeshEvent } from "../../../lib/events/events.ts";
import { derivedId, newId } from "../../../lib/runtime/ids.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import type { Transaction } from "../../../mixins/database/database.mixin.ts";
import type { Snapshot } from "../../../mixins/outbox/outbox-relay.ts";
import { withEarlierNames } from "../core/user-events.ts";
import { readProgress, readSnapshotPage, type SnapshotRow, writeProgress } from "./snapshots.repo.ts";

type SnapshotDeps = Pick<Platform, "events" | "clock" | "random">;

const PAGE = 200;

/**
 * Publishes the current state of every account to the consumers of a recreated stream. If the relay crashes before it
 * records its progress, the page is published again with the same event ids.
 */
export function createUsersSnapshot(deps: SnapshotDeps): Snapshot {
  let completedStreamId: string | undefined;
  return {
    stream: "USERS",
    isComplete: (streamId) => completedStreamId === streamId,
    async step(tx, streamId) {
      if (completedStreamId === streamId) return true;
      const outcome = await publishPage(deps, tx, streamId);
      // Remembered only once the progress is read back, because this transaction may still roll back.
      if (outcome === "complete") completedStreamId = streamId;
      return outcome === "complete";
    },
  };
}

async function publishPage(deps: SnapshotDeps, tx: Transaction, streamId: string): Promise<"complete" | "published"> {
  const progress = await readProgress(tx, streamId);
  if (progress.done) return "complete";
  const page = await readSnapshotPage(tx, progress.cursor, PAGE);
  const existing = page.filter((row) => !row.is_deleted && !row.is_unpublished);
  const correlationId = newId(deps.clock, deps.random);
  await Promise.all(existing.map((row) => deps.events.publish(toEvent(deps, row, streamId, correlationId))));
  await writeProgress(tx, streamId, { cursor: page.at(-1)?.id ?? progress.cursor, done: page.length < PAGE });
  return "published";
}

/** `user.updated` with everything a copy needs. `snapshot` says that no user action caused it. */
function toEvent({ clock }: SnapshotDeps, row: SnapshotRow, streamId: string, correlationId: string): MeshEvent {
  const { id, tenant_id, email, full_name, is_active, is_verified, version } = row;
  return {
    event_id: derivedId(streamId, id),
    event_type: "user.updated",
    source: "users",
    version,
    schema_version: 1,
    user_id: id,
    tenant_id,
    timestamp: clock.now().toISOString(),
    correlation_id: correlationId,
    snapshot: true,
    updated_fields: withEarlierNames(["email", "full_name", "is_active", "is_verified"]),
    email,
    name: full_name,
    is_active,
    is_verified,
  };
}
