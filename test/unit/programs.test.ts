import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";

const run = promisify(execFile);

/** The browser of a Mac is found without the PATH. */
const onLinux = process.platform === "darwin" ? test.skip : test;

/** What jest does with its configuration on a machine without Chromium. */
const configure = (CI: string) =>
  run(process.execPath, ["--eval", 'import("./jest.config.js")'], { env: { PATH: "", CI } });

onLinux("without a browser CI fails, instead of skipping the suites that need it", async () => {
  await expect(configure("true")).rejects.toThrow(/Error: Some suites need (.+ and )?chromium\./);
  expect((await configure("")).stderr).toMatch(/chromium.*These suites are skipped\./);
});
