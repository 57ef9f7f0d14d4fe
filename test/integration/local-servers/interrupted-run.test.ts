import { existsSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { type Launched, launch } from "./support/launched.ts";
import { eventually, isAlive } from "./support/scratch.ts";

interface Run extends Launched {
  readonly pids: readonly number[];
}

test.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)(
  "a run of the tests that is ended by %s leaves no process and no file behind",
  async (signal) => {
    const { child, pids, dataDir } = (await launch("./start-test-run.ts")) as Run;
    expect([...pids.map(isAlive), existsSync(dataDir)]).toEqual([true, true, true]);
    child.kill(signal);
    await eventually(() => !existsSync(dataDir) && !pids.some(isAlive));
  },
);
