import { waitForGateway } from "../../../scripts/run/ready.ts";
import { createApiClient } from "../clients/api-client.ts";
import type { TestDatabase } from "./database.ts";
import { firstAdmin, type Installation } from "./installation.ts";
import { type RunningServices, startServices } from "./services.ts";

/** All of Usermesh in this process, over a new database. */
export interface Usermesh extends Installation, Pick<RunningServices, "url" | "platform" | "call" | "as"> {
  /** Of every table that a request may write to. */
  rowCounts(): Promise<Record<string, string>>;
}

export async function startUsermesh(env: Readonly<Record<string, string>> = {}): Promise<Usermesh> {
  const running = await startServices("all", {
    ADMIN_EMAIL: firstAdmin.email,
    ADMIN_PASSWORD: firstAdmin.password,
    ...env,
  });
  await waitForGateway(running.url);
  const api = createApiClient(running.url);
  return {
    ...running,
    api,
    gateways: [api],
    admin: firstAdmin,
    publish: running.platform.events.publish,
    rowCounts: () => rowCounts(running.database),
  };
}

async function rowCounts(database: TestDatabase): Promise<Record<string, string>> {
  const tables = await database.query<{ name: string }>(
    `SELECT schemaname || '.' || tablename AS name FROM pg_tables
     WHERE schemaname IN ('users', 'auth', 'sessions', 'preferences', 'mail', 'admin', 'webhooks')
       AND tablename NOT IN ('leases', 'migrations') ORDER BY 1`,
  );
  const counts = await Promise.all(
    tables.map(async ({ name }) => [
      name,
      (await database.query<{ n: string }>(`SELECT count(*) AS n FROM ${name}`))[0]?.n ?? "",
    ]),
  );
  return Object.fromEntries(counts);
}
