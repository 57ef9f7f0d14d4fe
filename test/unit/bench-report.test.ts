import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { belowFloor, readReport, writeReport } from "../bench/report.ts";
import { type Line, table } from "../bench/table.ts";

const base = { limit: "", goal: ">= 0.5" };
const good: Line = { ...base, what: "good", ours: "10/s", ratio: 0.6, floor: 0.3, met: true };
const low: Line = { ...base, what: "low", ours: "5/s", ratio: 0.2, floor: 0.3, met: false };
const absolute: Line = { ...base, what: "absolute", ours: "900 MB", met: false };

test("only ratios below their floor fail a run", () => {
  expect(belowFloor([good, low, absolute])).toEqual([low]);
});

test("a report that was written is shown beside the next one", async () => {
  const folder = await mkdtemp(join(tmpdir(), "usermesh-test-"));
  const path = join(folder, "report.json");
  await writeReport(path, [good, absolute]);
  const before = await readReport(path);
  const [head, first, second, third] = table([low, good, absolute], before).split("\n");
  await rm(folder, { recursive: true });
  expect(head).toMatch(/before$/);
  expect(first).toMatch(/missed$/);
  expect(second).toMatch(/10\/s \(0\.60\)$/);
  expect(third).toMatch(/missed +900 MB$/);
});
