import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";

interface Row {
  readonly id: string;
  readonly level: string;
  readonly state: string;
  readonly note: string;
  readonly tests: readonly string[];
}

const rows = readFileSync("docs/asvs.md", "utf8")
  .split("\n")
  .filter((line) => /^\| V\d/.test(line))
  .map((line): Row => {
    const [, id = "", level = "", state = "", note = "", tests = ""] = line.split("|").map((cell) => cell.trim());
    return { id, level, state, note, tests: [...tests.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? "") };
  });
const ofLevel = (level: string) => rows.filter((row) => row.level === level);
const unmet = (level: string) => ofLevel(level).filter(({ state }) => state === "not met");

describe("the table of the ASVS", () => {
  test("has every requirement of levels 1 and 2 of version 5.0.0 once", () => {
    expect([ofLevel("1").length, ofLevel("2").length]).toEqual([70, 183]);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
  });

  test("names tests that exist, at least one for each requirement that is met", () => {
    const missing = rows.flatMap(({ id, tests }) =>
      tests
        .filter((name) => !existsSync(`test/${name}.test.ts`) && !existsSync(`test/${name}`))
        .map((name) => [id, name]),
    );
    expect(missing).toEqual([]);
    expect(rows.filter(({ state, tests }) => state === "met" && tests.length === 0)).toEqual([]);
  });

  test("gives the reason for every other state", () => {
    const states = new Set(rows.map(({ state }) => state));
    expect([...states].sort()).toEqual(["met", "n/a", "not met", "operator"]);
    expect(rows.filter(({ id, state, note }) => state !== "met" && note === "" && !id.startsWith("V17"))).toEqual([]);
  });

  test("counts what is not met as it is", () => {
    const text = readFileSync("docs/asvs.md", "utf8");
    expect(text).toContain(`Not met: ${unmet("1").length} of level 1, ${unmet("2").length} of level 2.`);
  });
});
