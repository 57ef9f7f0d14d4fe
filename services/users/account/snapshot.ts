import type { MeshEvent } from "../../../lib/events/events.ts";
import { derivedId, newId } from "../../../lib/runtime/ids.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import type { Transaction } from "../../../mixins/database.mixin.ts";
import type { Snapshot } from "../../../mixins/outbox.mixin.ts";
import { readProgress, readSnapshotPage, type SnapshotRow, writeProgress } from "./snapshots.repo.ts";

type SnapshotDeps = Pick<Platform, "events" | "clock" | "random">;

const PAGE = 200;

/**
 * Every account as it is, for the consumers of a stream that was made anew. A part that is told again, because the relay
 * died before it wrote down how far it was, has the ids it had.
 */
export function createUsersSnapshot(deps: SnapshotDeps): Snapshot {
  let done: string | undefined;
  return {
    stream: "USERS",
    async step(tx, streamId) {
      if (done === streamId) return true;
      const complete = await tellPage(deps, tx, streamId);
      // Not before this transaction has committed: what it wrote is looked at once more.
      if (complete === "known") done = streamId;
      return complete === "known";
    },
  };
}

async function tellPage(deps: SnapshotDeps, tx: Transaction, streamId: string): Promise<"known" | "told"> {
  const progress = await readProgress(tx, streamId);
  if (progress.done) return "known";
  const page = await readSnapshotPage(tx, progress.cursor, PAGE);
  const told = page.filter((row) => !row.is_deleted && !row.unborn);
  const correlationId = newId(deps.clock, deps.random);
  await Promise.all(told.map((row) => deps.events.publish(snapshotOf(deps, row, streamId, correlationId))));
  await writeProgress(tx, streamId, { cursor: page.at(-1)?.id ?? progress.cursor, done: page.length < PAGE });
  return "told";
}

/** `user.updated` with all that a copy needs. `snapshot` says that nobody has done anything. */
function snapshotOf({ clock }: SnapshotDeps, row: SnapshotRow, streamId: string, correlationId: string): MeshEvent {
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
    updated_fields: ["email", "full_name", "is_active", "is_verified"],
    email,
    name: full_name,
    is_active,
    is_verified,
  };
}
