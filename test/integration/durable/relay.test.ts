import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { connect as connectBus, type NatsConnection } from "nats";
import { Client } from "pg";
import pino from "pino";
import { readConfig } from "../../../lib/config/config.ts";
import { MeshEvent } from "../../../lib/events/events.ts";
import { createPlatform } from "../../../lib/runtime/create-platform.ts";
import { natsOptions } from "../../../lib/runtime/nats-options.ts";
import { createDatabase, type Database } from "../../../mixins/database/database.mixin.ts";
import { createOutbox, type Outbox } from "../../../mixins/outbox/outbox.mixin.ts";
import { eventually } from "../../support/eventually.ts";
import { createTestDatabase, serviceUrl, type TestDatabase } from "../../support/start/database.ts";
import { type Server, startNatsServer } from "../../support/start/servers.ts";

const SCHEMA = "preferences";
const TENANT = "00000000-0000-7000-8000-000000000001";
const USERS = 8;
/** Per user; together several batches of a relay. */
const EVENTS_PER_USER = 150;
const log = pino({ level: "silent" });

interface Node {
  readonly db: Database;
  readonly outbox: Outbox;
  stop(): Promise<void>;
}

describe("two relays of one schema", () => {
  let nats: Server;
  let database: TestDatabase;
  let bus: NatsConnection;
  let nodes: [Node, Node];
  /** Everything published, including duplicates, which the stream would drop. */
  const published: MeshEvent[] = [];
  beforeAll(async () => {
    nats = await startNatsServer();
    database = await createTestDatabase();
    bus = await connectBus(natsOptions(nats.url));
    bus.subscribe("users.v1.>", { callback: (_, message) => void published.push(MeshEvent.parse(message.json())) });
    nodes = await Promise.all([start(nats, database), start(nats, database)]);
  });
  afterAll(async () => {
    await Promise.all(nodes?.map((node) => node.stop()) ?? []);
    await bus?.close();
    await nats?.stop();
    await database?.drop();
  });

  /** Events of each of these users, in one transaction. */
  const append = (userIds: readonly string[], eventsPerUser: number) =>
    nodes[0].db.transaction(async (tx) => {
      for (const userId of Array.from({ length: eventsPerUser }, () => userIds).flat())
        await nodes[0].outbox.append(tx, {
          type: "preferences.updated",
          userId,
          tenantId: TENANT,
          correlationId: "test",
        });
    });
  const relayed = (within = 20_000) =>
    eventually(
      "an empty outbox",
      async () => {
        return (await database.query(`SELECT 1 FROM ${SCHEMA}.outbox WHERE published_at IS NULL`)).length === 0;
      },
      { within },
    );
  const versionsOf = (userId: string, events: readonly MeshEvent[]) =>
    events.filter((event) => event.user_id === userId).map(({ version }) => version);

  test("publish each user's events in order, whichever relay holds the lock", async () => {
    const userIds = Array.from({ length: USERS }, () => randomUUID());
    await append(userIds, EVENTS_PER_USER);
    await relayed();
    const all = Array.from({ length: EVENTS_PER_USER }, (_, index) => index + 1);
    for (const userId of userIds) {
      const versions = versionsOf(userId, published);
      // An event whose acknowledgement was lost may be published again, but no later one has been before.
      expect(versions.filter((version, index) => version < (versions[index - 1] ?? 0))).toEqual([]);
      expect([...new Set(versions)]).toEqual(all);
    }
  });

  test("do not wait for a third one that was paused in the middle of a batch", async () => {
    const silent = await asItsRole(database);
    await silent.query("BEGIN");
    await eventually("its turn", async () => {
      const sql = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS held";
      return (await silent.query(sql, [`usermesh-relay-${SCHEMA}`])).rows[0].held;
    });
    const userId = randomUUID();
    await append([userId], 3);
    await relayed(3_000);
    expect(versionsOf(userId, published)).toEqual([1, 2, 3]);
    await silent.end().catch(() => undefined);
  });
});

async function start(nats: Server, database: TestDatabase): Promise<Node> {
  const config = readConfig({
    NODE_ENV: "test",
    DATABASE_URL: database.url,
    NATS_URL: nats.url,
    SECRET_KEY: `k1:${"test-secret-".repeat(4)}`,
  });
  const platform = await createPlatform(config, { log, services: [SCHEMA] });
  const db = createDatabase(platform, { schema: SCHEMA });
  await db.connect();
  const outbox = createOutbox(platform, db, SCHEMA);
  outbox.start();
  return {
    db,
    outbox,
    async stop() {
      await outbox.stop();
      await db.close();
      await platform.close();
    },
  };
}

/** With the role's timeouts, which end the transactions of paused processes. */
async function asItsRole(database: TestDatabase): Promise<Client> {
  const client = new Client({ connectionString: serviceUrl(database, SCHEMA) });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}
