import { randomBytes } from "node:crypto";
import { schemas } from "../../../lib/database/database-roles.ts";
import type { MeshEvent } from "../../../lib/events/events.ts";
import type { ApiClient } from "../clients/api-client.ts";
import { eventually } from "../eventually.ts";
import type { Running } from "../flows/main-flow.ts";
import type { TestDatabase } from "./database.ts";

/** A running Usermesh, in one process or as a mesh, with access to what is behind its API. */
export interface Installation extends Running {
  /** One for each gateway; `api` is the first. */
  readonly gateways: readonly ApiClient[];
  readonly database: TestDatabase;
  readonly secretKey: string;
  /** Waits until every event in an outbox has been handled by all its consumers. */
  settled(): Promise<void>;
  /** Delivers an event to all its consumers, as a relay does that can't tell whether it has done so before. */
  publish(event: MeshEvent): Promise<void>;
  stop(): Promise<void>;
}

export const firstAdmin = { email: "admin@example.com", password: "Usher-of-the-Mesh-1" };
export const secretKey = `k1:${randomBytes(32).toString("base64url")}`;

/** The service admin publishes nothing. */
const outboxes = schemas.filter((schema) => schema !== "admin");

export async function outboxesEmpty(database: TestDatabase): Promise<void> {
  const rows = outboxes.map((schema) => `SELECT 1 FROM ${schema}.outbox WHERE published_at IS NULL`);
  const sql = `SELECT EXISTS (${rows.join(" UNION ALL ")}) AS due`;
  await eventually("empty outboxes", async () => (await database.query<{ due: boolean }>(sql))[0]?.due === false);
}
