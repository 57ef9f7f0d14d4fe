import { existsSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { type Launched, launch } from "./support/launched.ts";
import { eventually, isAlive } from "./support/scratch.ts";

interface Run extends Launched {
  readonly pids: readonly number[];
  readonly databaseDir: string;
}

test.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)(
  "a run of the tests that is ended by %s leaves no process and no file behind",
  async (signal) => {
    const { child, pids, dataDir, databaseDir } = (await launch("./start-test-run.ts")) as Run;
    const folders = [dataDir, databaseDir];
    expect([...pids.map(isAlive), ...folders.map((folder) => existsSync(folder))]).toEqual(Array(4).fill(true));
    child.kill(signal);
    await eventually(() => !folders.some((folder) => existsSync(folder)) && !pids.some(isAlive));
  },
);
