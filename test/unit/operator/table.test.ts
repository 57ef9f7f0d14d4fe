import { describe, expect, test } from "@jest/globals";
import { toJson } from "../../../scripts/operator/define-command.ts";
import { formatRecord, formatRows } from "../../../scripts/operator/table.ts";

const id = "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60";
const widest = (text: string) => Math.max(...text.split("\n").map((line) => line.length));

describe("a table for operators", () => {
  test("fits 80 columns and keeps ids whole", () => {
    const rows = [{ email: `${"a".repeat(100)}@example.com`, name: "b".repeat(100), status: "active", id }];
    const table = formatRows(rows, 80, ["id"]);
    expect(widest(table)).toBeLessThanOrEqual(80);
    expect(table).toContain(id);
    expect(table).toContain("…");
  });

  test("says how to see what is shortened, and nothing where all is shown", () => {
    const rows = [{ name: "b".repeat(100) }];
    expect(formatRows(rows, 80).split("\n").at(-1)).toBe("… is shortened. --json shows all.");
    expect(formatRows(rows, 120)).not.toContain("--json");
  });

  test("counts East Asian characters as two columns", () => {
    const [, line = ""] = formatRows([{ name: "漢".repeat(40), status: "active" }], 40).split("\n");
    const columns = [...line].reduce((sum, one) => sum + (one === "漢" ? 2 : 1), 0);
    expect(columns).toBeLessThanOrEqual(40);
  });

  test("folds a long value of a record", () => {
    const text = formatRecord({ reason: "z".repeat(200), id }, 80);
    expect(widest(text)).toBeLessThanOrEqual(80);
    expect(text.replace(/[^z]/g, "")).toHaveLength(200);
  });

  test.each(["\u001b[2J", "\u009b2J", "\r", "\u0007", "\u202e"])("shows %j of a user's text as text", (sequence) => {
    expect(formatRows([{ name: `a${sequence}b` }], 80)).not.toContain(sequence);
    expect(formatRecord({ name: `a${sequence}b` }, 80)).not.toContain(sequence);
  });

  test("JSON contains no control character of a terminal", () => {
    const text = toJson({ name: "a\u001b[2J\u009b2J\u007f" });
    expect([...text].filter((one) => one !== "\n" && /\p{Cc}/u.test(one))).toEqual([]);
    expect(JSON.parse(text)).toEqual({ name: "a\u001b[2J\u009b2J\u007f" });
  });
});
