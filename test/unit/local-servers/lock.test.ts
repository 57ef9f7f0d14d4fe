import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { acquireLock } from "../../../scripts/local-servers/lock.ts";

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "usermesh-test-"));
});

afterEach(() => rm(dir, { recursive: true }));

test("a second lock is rejected, naming the holder's pid, until the first is released", () => {
  const lock = acquireLock(dir, "toy");
  expect(() => acquireLock(dir, "toy")).toThrow(
    `another usermesh is running on ${dir}, pid ${process.pid}; stop it or set DATA_DIR`,
  );
  lock.release();
  acquireLock(dir, "toy").release();
});

test("locks of different names are independent", () => {
  const locks = [acquireLock(dir, "one"), acquireLock(dir, "two")];
  for (const lock of locks) lock.release();
});

test("a kill -9 of the process releases its lock", async () => {
  const module = JSON.stringify(new URL("../../../scripts/local-servers/lock.ts", import.meta.url).href);
  const code = `const { acquireLock } = await import(${module}); acquireLock(${JSON.stringify(dir)}, "toy"); console.log("held"); setInterval(() => {}, 1000)`;
  const holder = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  await once(holder.stdout, "data");
  expect(() => acquireLock(dir, "toy")).toThrow(`pid ${holder.pid}`);
  holder.kill("SIGKILL");
  await once(holder, "exit");
  acquireLock(dir, "toy").release();
});

test("the error names a folder that is not writable", () => {
  expect(() => acquireLock(join(dir, "missing"), "toy")).toThrow(/can't write to .*missing; set DATA_DIR/);
});
