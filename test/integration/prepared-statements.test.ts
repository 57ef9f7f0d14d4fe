import { expect, test } from "@jest/globals";
import pino from "pino";
import { readConfig } from "../../lib/config/config.ts";
import { createPlatform } from "../../lib/runtime/create-platform.ts";
import { createDatabase, type Queryable } from "../../mixins/database/database.mixin.ts";
import { createTestDatabase } from "../support/start/database.ts";
import { secretKey } from "../support/start/installation.ts";

test("after a column's type has changed, a statement is refused once as overloaded, and then prepared again", async () => {
  await using stack = new AsyncDisposableStack();
  const database = await createTestDatabase();
  stack.defer(database.drop);
  const config = readConfig({ DATABASE_URL: database.url, SECRET_KEY: secretKey });
  const platform = await createPlatform(config, { log: pino({ level: "silent" }), services: ["users"] });
  stack.defer(() => platform.close());
  const db = createDatabase(platform, { schema: "users", poolSize: 1 });
  await db.connect();
  stack.defer(db.close);

  const read = (on: Queryable) => on.query("SELECT bio FROM users.users LIMIT 1");
  const reads = [() => read(db), () => db.transaction(read)];
  for (const one of reads) await one();
  for (const [index, one] of reads.entries()) {
    await database.query(`ALTER TABLE users.users ALTER COLUMN bio TYPE varchar(${5_000 + index})`);
    await expect(one()).rejects.toMatchObject({ type: "overloaded", data: { retry_after: 1 } });
    await one();
  }
});
