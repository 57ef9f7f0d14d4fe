import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pino from "pino";
import { type EmbeddedPostgres, startPostgres } from "../../../scripts/local-servers/postgres.ts";
import { ndjson } from "../../support/data/import.ts";
import { production } from "../../support/data/production.ts";
import { signInTo } from "../../support/data/tenants.ts";
import { createTestDatabase, type TestDatabase } from "../../support/start/database.ts";
import { startUsermesh } from "../../support/start/usermesh.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "usermesh-seed-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

async function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const child: ChildProcess = spawn(process.execPath, ["--require", "./scripts/environment.cjs", command, ...args], {
    env: { PATH: process.env.PATH, PASSWORD_HASH_COST: "4", DATA_DIR: dir, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const parts = Promise.all([child.stdout?.toArray(), child.stderr?.toArray()]);
  const [code] = (await once(child, "exit")) as [number | null];
  return { code, output: Buffer.concat((await parts).flat() as Buffer[]).toString() };
}

const seed = (args: readonly string[], env?: Readonly<Record<string, string>>) => run("scripts/seed.ts", args, env);

describe("npm run seed", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database?.drop());

  test("creates the same people for the same seed, and others for another", async () => {
    const files = ["one", "same", "other"].map((name) => join(dir, `${name}.ndjson`));
    for (const [index, file] of files.entries())
      expect((await seed(["40", "--seed", index < 2 ? "5" : "6", "--file", file])).code).toBe(0);
    const [one, same, other] = await Promise.all(files.map((file) => readFile(file, "utf8")));
    expect(same).toBe(one);
    expect(other).not.toBe(one);
    const people = await ndjson<{ email: string }>(files[0] ?? "");
    expect(new Set(people.map(({ email }) => email)).size).toBe(40);
  });

  test("creates accounts that can sign in with the printed password; a second run creates none", async () => {
    const secretKey = `k1:${"s".repeat(40)}`;
    const env = { DATABASE_URL: database.url, SECRET_KEY: secretKey };
    const { code, output } = await seed(["60"], env);
    expect([code, output]).toEqual([0, expect.stringContaining("Created 60 accounts")]);
    const password = /password (\S+)\./.exec(output)?.[1] ?? "";
    expect((await seed(["60"], env)).output).toContain("Created 0 accounts; 60 exist already");
    const usermesh = await startUsermesh({ DATABASE_URL: database.url, SECRET_KEY: secretKey });
    try {
      const [person] = await database.query<{ email: string }>("SELECT email FROM users.users WHERE is_active LIMIT 1");
      await signInTo(usermesh, "default", { email: person?.email ?? "", password });
    } finally {
      await usermesh.stop();
    }
  });

  test("refuses to run in production", async () => {
    const { code, output } = await seed(["5"], { ...production, PASSWORD_HASH_COST: "10" });
    expect([code, output]).toEqual([1, expect.stringContaining("NODE_ENV is production")]);
  });

  test.each([[[]], [["many"]], [["0"]], [["5", "--seed", "x"]]])("rejects the arguments %j", async (args) => {
    expect((await seed(args)).code).toBe(2);
  });
});

describe("what is missing is named in one line", () => {
  test("the file of an import", async () => {
    expect(await run("scripts/import.ts", ["missing.ndjson"])).toEqual({
      code: 1,
      output: "\nThere is no file missing.ndjson.\n",
    });
  });

  test("the tenant of an export", async () => {
    const database = await createTestDatabase();
    const env = { DATABASE_URL: database.url, SECRET_KEY: `k1:${"s".repeat(40)}` };
    const { code, output } = await run("scripts/export.ts", ["--tenant", "acme", join(dir, "acme.ndjson")], env);
    await database.drop();
    expect([code, output]).toEqual([1, expect.stringContaining("There is no tenant acme.")]);
  });
});

describe("while PostgreSQL of another process runs on the same folder", () => {
  let postgres: EmbeddedPostgres;
  beforeAll(async () => {
    postgres = await startPostgres({ dataDir: dir, log: pino({ level: "silent" }) });
  });
  afterAll(() => postgres?.stop());

  test.each([
    ["scripts/import.ts", ["package.json"]],
    ["scripts/export.ts", ["nowhere.ndjson"]],
    ["scripts/seed.ts", ["5"]],
  ])("%s names the process that holds the folder, and what to do", async (command, args) => {
    const { code, output } = await run(command, args);
    expect(code).toBe(1);
    expect(output).toMatch(/another usermesh is running on .*, pid \d+; stop it or set DATA_DIR/);
    expect(output).not.toMatch(/\n {4}at /);
  });
});
