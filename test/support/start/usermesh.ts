import type { Mail } from "../../../lib/runtime/platform.ts";
import { waitForGateway } from "../../../scripts/run/ready.ts";
import { type ApiClient, createApiClient } from "../clients/api-client.ts";
import { eventually } from "../eventually.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { type RunningServices, startServices } from "./services.ts";

/** The whole of Usermesh in this process, over a database of its own. */
export interface Usermesh {
  readonly url: string;
  readonly api: ApiClient;
  readonly database: TestDatabase;
  readonly admin: { readonly email: string; readonly password: string };
  readonly platform: RunningServices["platform"];
  /** On the bus, past the gateway. */
  readonly call: RunningServices["call"];
  mails(): readonly Mail[];
  /** Waits until nothing that is due is left in an outbox. */
  settled(): Promise<void>;
  rowCounts(): Promise<Record<string, string>>;
  stop(): Promise<void>;
}

const admin = { email: "admin@example.com", password: "Usher-of-the-Mesh-1" };
const quiet = { RATE_LIMIT_ENABLED: "false", PASSWORD_HASH_COST: "4", LOG_LEVEL: "fatal" };

export async function startUsermesh(env: Record<string, string> = {}): Promise<Usermesh> {
  const database = await createTestDatabase();
  const running = await startServices("all", {
    DATABASE_URL: database.url,
    ADMIN_EMAIL: admin.email,
    ADMIN_PASSWORD: admin.password,
    ...quiet,
    ...env,
  });
  await waitForGateway(running.url);
  return {
    url: running.url,
    api: await createApiClient(running.url),
    database,
    admin,
    platform: running.platform,
    call: running.call,
    mails: () => running.mails(),
    settled: () => settled(database),
    rowCounts: () => rowCounts(database),
    stop: async () => {
      await running.stop();
      await database.drop();
    },
  };
}

const outboxes = ["users", "auth", "sessions", "preferences", "mail"];

async function settled(database: TestDatabase): Promise<void> {
  const sql = outboxes
    .map((schema) => `SELECT count(*) AS n FROM ${schema}.outbox WHERE published_at IS NULL`)
    .join(" UNION ALL ");
  await eventually("empty outboxes", async () =>
    (await database.query<{ n: string }>(sql)).every((row) => row.n === "0"),
  );
}

/** Rows of every table that holds what a request may write. */
async function rowCounts(database: TestDatabase): Promise<Record<string, string>> {
  const tables = await database.query<{ name: string }>(
    `SELECT schemaname || '.' || tablename AS name FROM pg_tables
     WHERE schemaname IN ('users', 'auth', 'sessions', 'preferences', 'mail', 'admin')
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
