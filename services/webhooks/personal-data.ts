import type { Database } from "../../mixins/database/database.mixin.ts";
import { eraseUser } from "../../mixins/personal-data/erasure.ts";
import { type ExportSection, eventsSection, tableSection } from "../../mixins/personal-data/export-pages.ts";
import { deleteOfUser } from "./deliveries/deliveries.repo.ts";
import { Deliveries } from "./webhooks.entities.ts";

/** The messages about the user for webhooks of the tenant, and the changes of webhooks that the user has made. */
export function exportSections(db: Database): readonly ExportSection[] {
  const omit = { run_id: "internal", run_started_at: "internal" };
  return [tableSection(db, { name: "deliveries", entity: Deliveries, orderBy: "id", omit }), eventsSection(db)];
}

export function eraseDeliveries(db: Database, userId: string): Promise<Record<string, number>> {
  return eraseUser(db, userId, async (tx) => ({ deliveries: await deleteOfUser(tx, userId) }));
}
