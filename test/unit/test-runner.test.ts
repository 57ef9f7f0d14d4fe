import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";

const testRunner = resolve("test/support/jest/test-runner.ts");
const globals = `import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";\n`;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "usermesh-test-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Statuses of the tests in these files, by name. All files run in one process. */
async function run(files: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), globals + text);
  const config = {
    ...{ rootDir: dir, testRunner, transform: {}, transformIgnorePatterns: [testRunner] },
    ...{ extensionsToTreatAsEsm: [".ts"], testMatch: Object.keys(files).map((name) => `<rootDir>/${name}`) },
  };
  const report = join(dir, "report.json");
  const args = ["node_modules/jest/bin/jest.js", "--runInBand", "--json", "--outputFile", report];
  const child = spawn(process.execPath, [...args, "--config", JSON.stringify(config)], { stdio: "ignore" });
  await once(child, "exit");
  const { testResults } = JSON.parse(await readFile(report, "utf8"));
  const all: ReadonlyArray<{ title: string; status: string }> = testResults.flatMap(
    (file: { assertionResults: object[] }) => file.assertionResults,
  );
  return Object.fromEntries(all.map(({ title, status }) => [title, status]));
}

test("a test fails by an assertion, an exception, a rejection that nobody handles, a timeout or a hook", async () => {
  const statuses = await run({
    "failures.test.ts": `
      test("passes", () => expect({ n: 1, at: new Date(0) }).toEqual({ n: expect.any(Number), at: expect.any(Date) }));
      test("assertion", () => expect([1]).toEqual([2]));
      test("exception", async () => { setTimeout(() => { throw new Error("late"); }, 1); await new Promise((go) => setTimeout(go, 50)); });
      test("rejection", async () => { void Promise.reject(new Error("lost")); await new Promise((go) => setTimeout(go, 50)); });
      test("timeout", () => new Promise(() => undefined), 50);
      describe("with a hook", () => { beforeAll(() => { throw new Error("broken"); }); test("hook", () => undefined); });
      test.skip("skipped", () => undefined);`,
  });
  const failed = { assertion: "failed", exception: "failed", rejection: "failed", timeout: "failed", hook: "failed" };
  expect(statuses).toEqual({ passes: "passed", ...failed, skipped: "pending" });
});

test("`jest.setTimeout` and `jest.retryTimes` are effective", async () => {
  const statuses = await run({
    "settings.test.ts": `
      jest.setTimeout(50);
      jest.retryTimes(1);
      let turns = 0;
      test("repeated", () => expect(++turns).toBe(2));
      test("late", () => new Promise(() => undefined));`,
  });
  expect(statuses).toEqual({ repeated: "passed", late: "failed" });
});

test("files share what they import, and neither their own state nor environment variables", async () => {
  await writeFile(
    join(dir, "shared.ts"),
    `${globals}export const loads = { count: 0 };\nexport const isOne = (n: number) => expect(n).toBe(1);`,
  );
  const file = (name: string, loads: number) => `
    import { isOne, loads } from "./shared.ts";
    let own = 0;
    test("own state of ${name}", () => isOne(++own));
    test("environment of ${name}", () => { expect(process.env.OF_A_FILE).toBeUndefined(); process.env.OF_A_FILE = "1"; });
    test("modules of ${name}", () => expect(++loads.count).toBe(${loads}));`;
  const statuses = await run({
    "a.test.ts": `${file("a", 1)}\n// ${"longer, so that it runs first ".repeat(9)}`,
    "b.test.ts": file("b", 2),
  });
  expect(Object.keys(statuses)).toHaveLength(6);
  expect(new Set(Object.values(statuses))).toEqual(new Set(["passed"]));
});
