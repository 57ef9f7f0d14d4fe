import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { callOf, dyingCall, Killed, newEmail, runImport, type Written, written } from "../../support/data/import.ts";
import { eventually } from "../../support/eventually.ts";
import { createTestDatabase, type TestDatabase } from "../../support/start/database.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

/** Some with a password, some of whom each half is there twice, some that don't fit. */
function people(count: number): Written[] {
  const hash = `$2b$04$${"a".repeat(21)}.${"b".repeat(31)}`;
  return Array.from({ length: count }, (_, n): Written[] => {
    const person = { email: newEmail(), password_hash: hash, preferences: { remote: true } };
    if (n % 10 === 3) return [person, { email: person.email.toUpperCase() }];
    return n % 10 === 7 ? [{ email: "nobody" }] : [person];
  }).flat();
}

const goodOf = (lines: readonly Written[]) =>
  new Set(lines.flatMap((line) => (typeof line !== "string" && "password_hash" in line ? [String(line.email)] : [])));

const old = "01800000-0000-7000-8000-000000000000";

interface TtlCache {
  readonly email: string;
  readonly n: number;
  readonly credentials: number;
}

/** What has become of each account that was to come in. */
async function kept(database: Usermesh["database"], emails: ReadonlySet<string>): Promise<TtlCache[]> {
  return database.query<TtlCache>(
    `SELECT lower(u.email) AS email, count(*)::int AS n, count(c.id)::int AS credentials FROM users.users u
     LEFT JOIN auth.credentials c ON c.user_id = u.id WHERE lower(u.email) = ANY($1::text[]) GROUP BY 1`,
    [[...emails]],
  );
}

const whole = (emails: ReadonlySet<string>) => new Set([...emails].map((email) => `${email} 1 1`));
const seen = (rows: readonly TtlCache[]) =>
  new Set(rows.map(({ email, n, credentials }) => `${email} ${n} ${credentials}`));

describe("an import that ends at any of its calls", () => {
  let usermesh: Usermesh;
  beforeAll(async () => {
    usermesh = await startUsermesh();
  });
  afterAll(() => usermesh?.stop());

  /** Ends it at the first call, then later and later, until it comes through; says how often that was. */
  async function dieOnTheWay(file: string, last: "done" | "not begun") {
    for (let calls = 1; ; calls += 1) {
      const call = dyingCall(callOf(usermesh, "import"), calls, last);
      const result = await runImport(usermesh, file, call).catch((error) => {
        if (!(error instanceof Killed)) throw error;
      });
      if (result) return { result, deaths: calls - 1 };
      // As of one that dies after it has told what it left out, and before it has noted that.
      await appendFile(`${file}.refused.ndjson`, '{"line": 1, "code": "told twice"}\n');
    }
  }

  test.each(["done", "not begun"] as const)(
    "goes on: nobody is there twice, nobody is lost, and the report is as of one run (the last call is %s)",
    async (last) => {
      const lines = people(1_200);
      const emails = goodOf(lines);
      const { result, deaths } = await dieOnTheWay(await written(lines), last);
      expect(deaths).toBeGreaterThan(4);
      expect(seen(await kept(usermesh.database, emails))).toEqual(whole(emails));
      expect(result.imported).toBe(emails.size);
      expect(result.refused).toBe(lines.length - emails.size);
      const told = result.report.map(({ line }) => line);
      expect(told).toEqual([...new Set(told)].sort((left, right) => left - right));
      expect(told).toHaveLength(result.refused);
    },
  );

  // Its first line is empty, so that the age of its id is nobody's.
  test.each([
    ["takes new ones where nobody came in", 4, 0],
    ["finds those who came in", 5, 1],
  ])("and comes back when its ids are too old %s", async (_what, calls, share) => {
    const lines = ["", ...people(300)];
    const emails = goodOf(lines);
    const file = await written(lines);
    await runImport(usermesh, file, dyingCall(callOf(usermesh, "import"), calls, "done")).catch(() => undefined);
    expect(await kept(usermesh.database, emails)).toHaveLength(share * emails.size);
    const progress = JSON.parse(await readFile(`${file}.progress`, "utf8"));
    expect(progress.sent).toHaveLength(lines.length);
    await writeFile(`${file}.progress`, JSON.stringify({ ...progress, sent: [old, ...progress.sent.slice(1)] }));
    const { imported, refused } = await runImport(usermesh, file);
    expect([imported, refused]).toEqual([emails.size, lines.length - 1 - emails.size]);
    expect(seen(await kept(usermesh.database, emails))).toEqual(whole(emails));
  });

  test("brings no password back to who has come in and lost it meanwhile", async () => {
    const lines = people(20);
    const emails = goodOf(lines);
    const file = await written(lines);
    await runImport(usermesh, file, dyingCall(callOf(usermesh, "import"), 5, "done")).catch(() => undefined);
    const mine = "SELECT id FROM users.users WHERE email = ANY($1::text[])";
    await usermesh.database.query(`DELETE FROM auth.credentials WHERE user_id IN (${mine})`, [[...emails]]);
    expect((await runImport(usermesh, file)).imported).toBe(emails.size);
    expect((await kept(usermesh.database, emails)).filter(({ credentials }) => credentials > 0)).toEqual([]);
  });

  test("does not go on with another file, or in another installation", async () => {
    const file = await written(people(50));
    const call = dyingCall(callOf(usermesh, "import"), 3, "done");
    await runImport(usermesh, file, call).catch(() => undefined);
    const elsewhere = await startUsermesh();
    try {
      await expect(runImport(elsewhere, file)).rejects.toThrow(/another installation/);
    } finally {
      await elsewhere.stop();
    }
    await appendFile(file, '{"email": "one.more@example.com"}\n');
    await expect(runImport(usermesh, file)).rejects.toThrow(/not the file whose import was interrupted/);
  });
});

describe("npm run import", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database?.drop());

  function begin(file: string): ChildProcess {
    const args = ["--require", "./scripts/environment.cjs", "scripts/import.ts", file];
    const env = { PATH: process.env.PATH, DATABASE_URL: database.url, SECRET_KEY: `k1:${"s".repeat(40)}` };
    return spawn(process.execPath, args, { env, stdio: "ignore" });
  }

  const linesDone = async (file: string): Promise<number> =>
    JSON.parse(await readFile(`${file}.progress`, "utf8").catch(() => '{"line": 0}')).line;

  /** A moment later than it has done some more, wherever it is then. */
  async function killOnTheWay(file: string): Promise<void> {
    const child = begin(file);
    const before = await linesDone(file);
    await eventually("some more", async () => (await linesDone(file)) > before, { every: 3 });
    for (let turn = Math.random() * 2_000; turn > 0; turn -= 1) await new Promise(setImmediate);
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  test("killed again and again goes on where it was: nobody is there twice, nobody is lost", async () => {
    const lines = people(6_000);
    const emails = goodOf(lines);
    const file = await written(lines);
    for (let kills = 0; kills < 4; kills += 1) await killOnTheWay(file);
    expect(await linesDone(file)).toBeLessThan(lines.length);
    const [code] = await once(begin(file), "exit");
    expect(code).toBe(3);
    expect(seen(await kept(database, emails))).toEqual(whole(emails));
    const report = (await readFile(`${file}.refused.ndjson`, "utf8")).trim().split("\n");
    expect(report).toHaveLength(lines.length - emails.size);
    const rows = await database.query("SELECT count(DISTINCT email_key)::int = count(*)::int AS once FROM users.users");
    expect(rows).toEqual([{ once: true }]);
    await expect(readFile(`${file}.progress`)).rejects.toThrow("ENOENT");
  });

  test("stops at Ctrl-C with what it has begun done, says so, and goes on", async () => {
    const lines = people(4_000);
    const emails = goodOf(lines);
    const file = await written(lines);
    const child = begin(file);
    await eventually("some lines", async () => (await linesDone(file)) > 0, { every: 3 });
    child.kill("SIGINT");
    expect(await once(child, "exit")).toEqual([130, null]);
    expect(await linesDone(file)).toBeLessThan(lines.length);
    expect(await once(begin(file), "exit")).toEqual([3, null]);
    expect(seen(await kept(database, emails))).toEqual(whole(emails));
  });

  test.each([
    [["--help"], 0, /npm run import/],
    [[], 2, /Name one file/],
    [["--colour", "x.ndjson"], 2, /--colour/],
    [["nowhere.ndjson"], 1, /no such file/],
  ])("with %j ends with %i and says what it takes", async (args, code, text) => {
    const child = spawn(process.execPath, ["--require", "./scripts/environment.cjs", "scripts/import.ts", ...args], {
      env: { PATH: process.env.PATH },
    });
    const [out, err, ended] = await Promise.all([child.stdout.toArray(), child.stderr.toArray(), once(child, "exit")]);
    expect(ended).toEqual([code, null]);
    expect(Buffer.concat([...out, ...err]).toString()).toMatch(text);
  });
});
