import { connect, type NatsConnection } from "nats";
import { Client } from "pg";
import { type MeshEvent, subjectOf } from "../../../lib/events/events.ts";
import { natsOptions } from "../../../lib/runtime/nats-options.ts";
import type { Answer, ApiClient } from "../clients/api-client.ts";
import { eventually } from "../eventually.ts";
import type { Running } from "../flows/main-flow.ts";
import type { TestDatabase } from "./database.ts";
import { startTestMesh, type TestMesh } from "./test-mesh.ts";
import { startUsermesh } from "./usermesh.ts";

/** A running Usermesh, embedded or a mesh, and what a test may look at or hold up behind the scenes. */
export interface Installation extends Running {
  readonly gateways: readonly ApiClient[];
  readonly database: TestDatabase;
  readonly secretKey: string;
  /** Waits until every event that was stated has been handled by all who read it. */
  settled(): Promise<void>;
  /** As a relay does that does not know that it has: the event comes to all who read it, whether they had it before or not. */
  publish(event: MeshEvent): Promise<void>;
  stop(): Promise<void>;
}

const secretKey = `k1:${"test-secret-".repeat(4)}`;

export async function startOneProcess(env: Record<string, string> = {}): Promise<Installation> {
  const usermesh = await startUsermesh({ SECRET_KEY: secretKey, ...env });
  return { ...usermesh, gateways: [usermesh.api], secretKey, publish: usermesh.platform.events.publish };
}

export async function startTwoOfEach(env: Record<string, string> = {}): Promise<Installation & { mesh: TestMesh }> {
  const mesh = await startTestMesh({ nodes: 2, env: { SECRET_KEY: secretKey, ...env } });
  return {
    mesh,
    gateways: mesh.gateways,
    api: mesh.api,
    admin: mesh.admin,
    database: mesh.database,
    secretKey,
    mails: mesh.mails,
    settled: () => settled(mesh),
    publish: (event) => publish(mesh, event),
    stop: mesh.stop,
  };
}

async function settled(mesh: TestMesh): Promise<void> {
  await eventually("empty outboxes", async () => (await unpublished(mesh.database)) === 0);
  await onBus(mesh, async (connection) => {
    const manager = await connection.jetstreamManager();
    const handled = async () => {
      const streams = await manager.streams.list().next();
      const consumers = await Promise.all(streams.map(({ config }) => manager.consumers.list(config.name).next()));
      return consumers.flat().every(({ num_pending, num_ack_pending }) => num_pending + num_ack_pending === 0);
    };
    // What a killed node held is handed out again after 30 s.
    await eventually("all events handled", handled, { within: 60_000 });
  });
}

/** Without a message id: the stream can't know that it has the event already. */
async function publish(mesh: TestMesh, event: MeshEvent): Promise<void> {
  await onBus(mesh, (connection) => connection.jetstream().publish(subjectOf(event), JSON.stringify(event)));
}

async function onBus({ nats }: TestMesh, work: (connection: NatsConnection) => Promise<unknown>): Promise<void> {
  const connection = await connect(natsOptions(nats.url));
  await work(connection).finally(() => connection.close());
}

const outboxes = ["users", "auth", "sessions", "preferences", "mail"];

async function unpublished(database: TestDatabase): Promise<number> {
  const counts = outboxes.map((schema) => `(SELECT count(*) FROM ${schema}.outbox WHERE published_at IS NULL)`);
  const [row] = await database.query<{ n: number }>(`SELECT (${counts.join(" + ")})::int AS n`);
  return row?.n ?? 0;
}

/** As a client does: what nobody answers, or what is refused for now, is sent again. */
export function patiently(request: () => Promise<Answer>): Promise<Answer> {
  const once = async () => {
    const answer = await request();
    return answer.status < 500 && answer.body.code !== "request_in_progress" && answer;
  };
  return eventually("an answer", once, { within: 60_000, every: 50 });
}

/** Facts of one type that were stated about somebody. */
export async function stated(
  { database }: Pick<Installation, "database">,
  schema: string,
  userId: string,
  type: string,
): Promise<Array<{ published: boolean }>> {
  const sql = `SELECT published_at IS NOT NULL AS published FROM ${schema}.outbox WHERE user_id = $1 AND body->>'event_type' = $2`;
  return database.query(sql, [userId, type]);
}

export async function liveSessions({ database }: Pick<Installation, "database">, userId: string): Promise<number> {
  const sql = "SELECT count(*)::int AS n FROM sessions.sessions WHERE user_id = $1 AND revoked_at IS NULL";
  const [row] = await database.query<{ n: number }>(sql, [userId]);
  return row?.n ?? -1;
}

/** What a transaction of the test's own holds until it is disposed of. */
export async function hold(
  { database }: Pick<Installation, "database">,
  sql: string,
  values: readonly unknown[] = [],
): Promise<AsyncDisposable> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query("BEGIN");
  await client.query(sql, [...values]);
  return { [Symbol.asyncDispose]: () => client.end() };
}

/** Whoever holds a schema's relay lock keeps its events back. */
export function holdRelay(installation: Pick<Installation, "database">, schema: string): Promise<AsyncDisposable> {
  return hold(installation, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [`usermesh-relay-${schema}`]);
}
