import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "@jest/globals";
import pino from "pino";
import { readConfig } from "../../../lib/config/config.ts";
import { createPlatform } from "../../../lib/runtime/create-platform.ts";
import { createDatabase } from "../../../mixins/database/database.mixin.ts";
import { eventually } from "../../support/eventually.ts";
import { createTestDatabase } from "../../support/start/database.ts";

const log = pino({ level: "silent" });

test("closing a database ends the wait for its first connection", async () => {
  const unresponsive = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await once(unresponsive, "listening");
  const { port } = unresponsive.address() as AddressInfo;
  await using platform = await open(`postgres://nobody:secret@127.0.0.1:${port}/none`);
  const db = createDatabase(platform, { schema: "mail" });
  const attempted = once(unresponsive, "connection");
  const connecting = db.connect();
  await attempted;
  await db.close();
  await expect(connecting).rejects.toThrow("aborted");
  unresponsive.close();
});

test("closing a database while it connects leaves no connection behind", async () => {
  const database = await createTestDatabase();
  await using platform = await open(database.url);
  const db = createDatabase(platform, { schema: "mail" });
  const connecting = db.connect();
  await db.close();
  await expect(connecting).rejects.toThrow("aborted");
  await eventually("its connections to end", async () => {
    const sql =
      "SELECT 1 FROM pg_stat_activity WHERE application_name = 'usermesh-mail' AND datname = current_database()";
    return (await database.query(sql)).length === 0;
  });
  await database.drop();
});

async function open(databaseUrl: string) {
  const config = readConfig({
    NODE_ENV: "test",
    DATABASE_URL: databaseUrl,
    SECRET_KEY: `k1:${"test-secret-".repeat(4)}`,
  });
  const platform = await createPlatform(config, { log, services: ["mail"] });
  return { ...platform, [Symbol.asyncDispose]: platform.close };
}
