import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createLog } from "../../lib/observability/log.ts";
import { eventually } from "../support/eventually.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "usermesh-log-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() });
const read = async () =>
  Promise.all((await readdir(folder)).toSorted().map((name) => readFile(join(folder, name), "utf8")));

test("LOG_FILE contains the log as JSON lines and rotates at 10 MB without losing lines", async () => {
  const log = createLog({ level: "info", file: join(folder, "usermesh.log"), pretty: false }, nowhere());
  const filler = "a line ".repeat(14_000);
  const LINES = 120;
  for (let n = 0; n < LINES; n += 1) log.info({ n, filler }, "a line");
  const lines = await eventually(
    "all lines",
    async () => {
      const found = (await read())
        .join("")
        .split("\n")
        .filter((line) => line.endsWith("}"));
      return found.length === LINES && found;
    },
    { every: 100 },
  );
  expect((await readdir(folder)).length).toBeGreaterThan(1);
  const entries = lines.map((line) => JSON.parse(line));
  expect(entries.map(({ n }) => n)).toEqual(Array.from({ length: LINES }, (_, n) => n));
  expect(entries[0]).toMatchObject({ level: "info", msg: "a line", time: expect.stringMatching(/^\d{4}-.*Z$/) });
});
