import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { persistentSecret, randomPassword } from "../../../scripts/local-servers/secrets.ts";

let scratch: string;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), "usermesh-test-"));
});

afterEach(() => rm(scratch, { recursive: true }));

test("a secret is generated once and stored", async () => {
  const first = await persistentSecret(scratch, "key", randomPassword);
  expect(await persistentSecret(scratch, "key", () => "another")).toBe(first);
  expect(await persistentSecret(scratch, "other", () => "another")).toBe("another");
});

test("only the owner can read the file and the folder", async () => {
  const dataDir = join(scratch, "a", "b");
  await persistentSecret(dataDir, "key", randomPassword);
  expect((await stat(join(dataDir, "key"))).mode & 0o777).toBe(0o600);
  expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
});

test("concurrent callers all get the same secret, and leave no other files", async () => {
  const secrets = await Promise.all(Array.from({ length: 20 }, () => persistentSecret(scratch, "key", randomPassword)));
  expect(new Set(secrets).size).toBe(1);
  expect(await readdir(scratch)).toEqual(["key"]);
});

test("a secret written by hand may end with a newline", async () => {
  await writeFile(join(scratch, "key"), "by hand\n");
  expect(await persistentSecret(scratch, "key", randomPassword)).toBe("by hand");
});

test("a generator that fails leaves no file", async () => {
  await expect(persistentSecret(scratch, "key", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await readdir(scratch)).toEqual([]);
});

test.each(["", "\n"])(
  "an empty file (%j) is refused and stays, because what it protected needs the old secret",
  async (text) => {
    await writeFile(join(scratch, "key"), text);
    await expect(persistentSecret(scratch, "key", randomPassword)).rejects.toThrow("is empty");
    expect(await readFile(join(scratch, "key"), "utf8")).toBe(text);
  },
);
