import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { callOf, dyingCall, Killed, newEmail, runImport, type Written, written } from "../../support/data/import.ts";
import { eventually } from "../../support/eventually.ts";
import { createTestDatabase, type TestDatabase } from "../../support/start/database.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

/** Valid accounts with duplicates and invalid lines between them. */
function people(count: number): Written[] {
  const hash = `$2b$04$${"a".repeat(21)}.${"b".repeat(31)}`;
  return Array.from({ length: count }, (_, n): Written[] => {
    const identities = [{ issuer: "https://id.example", sub: newEmail() }];
    const person = { email: newEmail(), password_hash: hash, preferences: { remote: true }, identities };
    if (n % 10 === 3) return [person, { email: person.email.toUpperCase() }];
    return n % 10 === 7 ? [{ email: "invalid" }] : [person];
  }).flat();
}

const validEmails = (lines: readonly Written[]) =>
  new Set(lines.flatMap((line) => (typeof line !== "string" && "password_hash" in line ? [String(line.email)] : [])));

const identitiesOf = (line: Written) =>
  typeof line === "string" ? [] : ((line.identities ?? []) as { readonly sub: string }[]);

/** As if these linked providers had been stored an hour earlier. Resolves to those that are stored. */
const makeOlder = (database: Usermesh["database"], subs: readonly string[]): Promise<unknown[]> =>
  database.query(
    "UPDATE auth.identities SET created_at = created_at - interval '1 hour' WHERE sub = ANY($1::text[]) RETURNING sub",
    [subs],
  );

const old = "01800000-0000-7000-8000-000000000000";

interface StoredAccount {
  readonly email: string;
  readonly n: number;
  readonly credentials: number;
  readonly identities: number;
}

/** How often each account, its credentials and its identities exist. */
async function storedAccounts(database: Usermesh["database"], emails: ReadonlySet<string>): Promise<StoredAccount[]> {
  return database.query<StoredAccount>(
    `SELECT lower(u.email) AS email, count(*)::int AS n, count(c.id)::int AS credentials, count(i.sub)::int AS identities
     FROM users.users u LEFT JOIN auth.credentials c ON c.user_id = u.id LEFT JOIN auth.identities i ON i.user_id = u.id
     WHERE lower(u.email) = ANY($1::text[]) GROUP BY 1`,
    [[...emails]],
  );
}

const eachOnce = (emails: ReadonlySet<string>) => new Set([...emails].map((email) => `${email} 1 1 1`));
const summary = (rows: readonly StoredAccount[]) =>
  new Set(rows.map(({ email, n, credentials, identities }) => `${email} ${n} ${credentials} ${identities}`));

describe("an import that dies at any of its calls", () => {
  let usermesh: Usermesh;
  beforeAll(async () => {
    usermesh = await startUsermesh();
  });
  afterAll(() => usermesh?.stop());

  /** Lets it die at the first call, then one call later each time, until it finishes. */
  async function runUntilItSurvives(file: string, last: "done" | "not begun") {
    for (let calls = 1; ; calls += 1) {
      const call = dyingCall(callOf(usermesh, "import"), calls, last);
      const result = await runImport(usermesh, file, call).catch((error) => {
        if (!(error instanceof Killed)) throw error;
      });
      if (result) return { result, deaths: calls - 1 };
      // As if it had died between writing the report and its checkpoint.
      await appendFile(`${file}.refused.ndjson`, '{"line": 1, "code": "reported twice"}\n');
    }
  }

  test.each(["done", "not begun"] as const)(
    "resumes: each account exists once, and the report has each line once (the last call is %s)",
    async (last) => {
      const lines = people(1_200);
      const emails = validEmails(lines);
      const { result, deaths } = await runUntilItSurvives(await written(lines), last);
      expect(deaths).toBeGreaterThan(4);
      expect(summary(await storedAccounts(usermesh.database, emails))).toEqual(eachOnce(emails));
      expect(result.imported).toBe(emails.size);
      expect(result.refused).toBe(lines.length - emails.size);
      const reported = result.report.map(({ line }) => line);
      expect(reported).toEqual([...new Set(reported)].sort((left, right) => left - right));
      expect(reported).toHaveLength(result.refused);
    },
  );

  // The first line is blank, so that its id, whose age counts, belongs to no account.
  test.each([
    ["uses new ids if no account was created", 5, 0],
    ["finds the accounts that were created", 6, 1],
  ])("and resumes when its ids are too old %s", async (_what, calls, share) => {
    const lines = ["", ...people(300)];
    const emails = validEmails(lines);
    const file = await written(lines);
    await runImport(usermesh, file, dyingCall(callOf(usermesh, "import"), calls, "done")).catch(() => undefined);
    expect(await storedAccounts(usermesh.database, emails)).toHaveLength(share * emails.size);
    const progress = JSON.parse(await readFile(`${file}.progress`, "utf8"));
    expect(progress.sent).toHaveLength(lines.length);
    await writeFile(`${file}.progress`, JSON.stringify({ ...progress, sent: [old, ...progress.sent.slice(1)] }));
    // Linked providers are sent in parallel with other calls, so some may be stored only after the import has died.
    const subs = lines.flatMap((line) => identitiesOf(line).map(({ sub }) => sub));
    const makeAllOlder = async () => (await makeOlder(usermesh.database, subs)).length === subs.length;
    await eventually("all linked providers are stored", makeAllOlder);
    const { imported, refused } = await runImport(usermesh, file);
    expect([imported, refused]).toEqual([emails.size, lines.length - 1 - emails.size]);
    expect(summary(await storedAccounts(usermesh.database, emails))).toEqual(eachOnce(emails));
  });

  test("does not restore credentials that were deleted from an imported account", async () => {
    const lines = people(20);
    const emails = validEmails(lines);
    const file = await written(lines);
    await runImport(usermesh, file, dyingCall(callOf(usermesh, "import"), 6, "done")).catch(() => undefined);
    const mine = "SELECT id FROM users.users WHERE email = ANY($1::text[])";
    await usermesh.database.query(`DELETE FROM auth.credentials WHERE user_id IN (${mine})`, [[...emails]]);
    expect((await runImport(usermesh, file)).imported).toBe(emails.size);
    expect((await storedAccounts(usermesh.database, emails)).filter(({ credentials }) => credentials > 0)).toEqual([]);
  });

  test("does not resume with another file, or in another installation", async () => {
    const file = await written(people(50));
    const call = dyingCall(callOf(usermesh, "import"), 3, "done");
    await runImport(usermesh, file, call).catch(() => undefined);
    const other = await startUsermesh();
    try {
      await expect(runImport(other, file)).rejects.toThrow(/another installation/);
    } finally {
      await other.stop();
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

  /** Kills it at a random moment shortly after it has made progress. */
  async function killDuringImport(file: string): Promise<void> {
    const child = begin(file);
    const before = await linesDone(file);
    await eventually("progress", async () => (await linesDone(file)) > before, { every: 3 });
    for (let turn = Math.random() * 2_000; turn > 0; turn -= 1) await new Promise(setImmediate);
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  test("resumes after repeated kill -9: each account exists once", async () => {
    const lines = people(3_000);
    const emails = validEmails(lines);
    const file = await written(lines);
    for (let kills = 0; kills < 4; kills += 1) await killDuringImport(file);
    expect(await linesDone(file)).toBeLessThan(lines.length);
    const [code] = await once(begin(file), "exit");
    expect(code).toBe(3);
    expect(summary(await storedAccounts(database, emails))).toEqual(eachOnce(emails));
    const report = (await readFile(`${file}.refused.ndjson`, "utf8")).trim().split("\n");
    expect(report).toHaveLength(lines.length - emails.size);
    const rows = await database.query("SELECT count(DISTINCT email_key)::int = count(*)::int AS once FROM users.users");
    expect(rows).toEqual([{ once: true }]);
    await expect(readFile(`${file}.progress`)).rejects.toThrow("ENOENT");
  });

  test("finishes its batch on Ctrl-C, exits with 130, and resumes", async () => {
    const lines = people(1_500);
    const emails = validEmails(lines);
    const file = await written(lines);
    const child = begin(file);
    await eventually("some lines", async () => (await linesDone(file)) > 0, { every: 3 });
    child.kill("SIGINT");
    expect(await once(child, "exit")).toEqual([130, null]);
    expect(await linesDone(file)).toBeLessThan(lines.length);
    expect(await once(begin(file), "exit")).toEqual([3, null]);
    expect(summary(await storedAccounts(database, emails))).toEqual(eachOnce(emails));
  });

  test.each([
    [["--help"], 0, /npm run import/],
    [[], 2, /Name the file/],
    [["--colour", "x.ndjson"], 2, /--colour/],
    [["nowhere.ndjson"], 1, /There is no file nowhere/],
  ])("with %j exits with %i and a message", async (args, code, text) => {
    const child = spawn(process.execPath, ["--require", "./scripts/environment.cjs", "scripts/import.ts", ...args], {
      env: { PATH: process.env.PATH },
    });
    const [out, err, ended] = await Promise.all([child.stdout.toArray(), child.stderr.toArray(), once(child, "exit")]);
    expect(ended).toEqual([code, null]);
    expect(Buffer.concat([...out, ...err]).toString()).toMatch(text);
  });
});
