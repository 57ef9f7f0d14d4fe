import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { newEmail, written } from "../support/data/import.ts";
import { eventually } from "../support/eventually.ts";
import { startMesh, type TestMesh } from "../support/start/mesh.ts";

describe("npm run import, over NATS", () => {
  let two: TestMesh;
  beforeAll(async () => {
    two = await startMesh({ processes: { users: 2 } });
  });
  afterAll(() => two?.stop());

  /** Has access to the bus but not to the database. */
  function begin(file: string): ChildProcess {
    const args = ["--require", "./scripts/environment.cjs", "scripts/import.ts", file];
    const env = { PATH: process.env.PATH, NATS_URL: two.env.NATS_URL };
    return spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "inherit"] });
  }

  const linesDone = async (file: string): Promise<number> =>
    JSON.parse(await readFile(`${file}.progress`, "utf8").catch(() => '{"line": 0}')).line;

  test("creates each account and each event once, even if a node of users is killed", async () => {
    const emails = Array.from({ length: 5_000 }, newEmail);
    const file = await written(emails.map((email) => ({ email, preferences: { remote: true } })));
    const child = begin(file);
    await eventually("some lines", async () => (await linesDone(file)) > 0, { every: 3 });
    await two.kill("users-1");
    expect(await once(child, "exit")).toEqual([0, null]);
    await two.restart("users-1");
    const [row] = await two.database.query(
      `SELECT count(*)::int AS accounts, (SELECT count(*)::int FROM users.outbox o JOIN users.users u ON u.id = o.user_id
         WHERE u.email = ANY($1::text[]) AND o.body ->> 'event_type' = 'user.created') AS events
       FROM users.users WHERE email = ANY($1::text[])`,
      [emails],
    );
    expect(row).toEqual({ accounts: emails.length, events: emails.length });
    await two.settled();
    const tokens =
      "SELECT 1 FROM auth.one_time_tokens t JOIN users.users u ON u.id = t.user_id WHERE u.email = ANY($1)";
    expect(await two.database.query(tokens, [emails])).toEqual([]);
  });
});
