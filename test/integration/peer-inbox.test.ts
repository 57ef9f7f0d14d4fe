import { randomUUID } from "node:crypto";
import { expect, test } from "@jest/globals";
import { Pool, type PoolClient } from "pg";
import { handleOnce, inboxTable, type UsermeshEvent } from "../../clients/moleculer/index.js";
import { createTestDatabase } from "../support/start/database.ts";

test("an effect whose connection to PostgreSQL breaks is rolled back, and does not end the process", async () => {
  await using stack = new AsyncDisposableStack();
  const database = stack.adopt(await createTestDatabase(), (one) => one.drop());
  const pool = stack.adopt(new Pool({ connectionString: database.url }), (one) => one.end());
  pool.on("error", () => undefined);
  await pool.query(inboxTable);
  const handling = handleOnce<PoolClient>(pool, { event_id: randomUUID() } as UsermeshEvent, async (client) => {
    const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    client.on("end", resolve);
    await database.query("SELECT pg_terminate_backend($1)", [rows[0]?.pid]);
    await ended;
  });
  await expect(handling).rejects.toThrow();
  expect(await database.query("SELECT 1 FROM usermesh_inbox")).toEqual([]);
});
