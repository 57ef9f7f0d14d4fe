import { describe, expect, test } from "@jest/globals";
import * as z from "zod";
import { describeParams } from "../../../lib/actions/describe-params.ts";
import { parseSince } from "../../../scripts/operator/commands/events.ts";
import { parseParams } from "../../../scripts/operator/commands/mesh.ts";
import { commandNames, completeLine } from "../../../scripts/operator/program.ts";
import { splitWords } from "../../../scripts/operator/split-words.ts";
import { compare, quantile } from "../../../scripts/operator/top.ts";
import { usersContract } from "../../../services/users/users.contract.ts";

describe("a line of the REPL", () => {
  test.each([
    ["users find ada", ["users", "find", "ada"]],
    [`users disable ada --reason "sent spam"`, ["users", "disable", "ada", "--reason", "sent spam"]],
    ["users find 'Ada Lovelace'", ["users", "find", "Ada Lovelace"]],
    [`call users.get {"id": "1"}`, ["call", "users.get", `{"id": "1"}`]],
    ["  ", []],
  ])("%j is split into words", (line, words) => expect(splitWords(line)).toEqual(words));

  test("is completed to our commands, and left to Moleculer's REPL otherwise", () => {
    expect(completeLine("users di")).toEqual([["users disable "], "users di"]);
    expect(completeLine("users ")?.[0]).toHaveLength(7);
    expect(completeLine("bench ")).toBeUndefined();
    expect(completeLine("")).toBeUndefined();
  });

  test.each([
    "users find|show|disable|enable|verify|delete|restore",
    "sessions list|revoke",
    "dead list|show|retry|drop",
    "keys list|rotate",
    "events tail|replay",
    "admin create|reset-password",
    "mesh top",
  ])("has the commands %s", (line) => {
    const [group, ...names] = line.split(/[ |]/);
    expect(commandNames()).toEqual(expect.arrayContaining(names.map((name) => `${group} ${name}`)));
  });

  test("has the commands without a group", () => {
    const names = [
      "roles",
      "tenants",
      "queues",
      "breakers",
      "outbox",
      "erasures",
      "activity",
      "nodes",
      "actions",
      "call",
    ];
    expect(commandNames()).toEqual(expect.arrayContaining(names));
  });
});

describe("parameters of `call`", () => {
  test.each([
    [[`{"id": "1",`, `"limit": 2}`], { id: "1", limit: 2 }],
    [["--id", "x0198", "--is_active", "false"], { id: "x0198", is_active: false }],
    [["--reason=sent spam", "limit=2"], { reason: "sent spam", limit: 2 }],
    [["--grouping"], { grouping: true }],
    [[], {}],
  ])("%j", (words, params) => expect(parseParams(words)).toEqual(params));

  test("are text where the action takes text, and JSON elsewhere", () => {
    const types = describeParams(usersContract.actions.setStatus.params);
    const words = ["id=1", "--reason", "5", "is_active=false"];
    expect(parseParams(words, types)).toEqual({ id: "1", reason: "5", is_active: false });
  });

  test("other words are refused", () => expect(() => parseParams(["0198"])).toThrow(/name=value/));
});

describe("parameters that `actions` shows", () => {
  test("come from the Zod schema, in Moleculer's notation", () => {
    expect(describeParams(usersContract.actions.setStatus.params)).toEqual({
      id: "string",
      is_active: "boolean",
      reason: "string|optional",
    });
  });

  test("of a union are optional unless every alternative has them", () => {
    const union = z.union([z.object({ id: z.string(), n: z.int() }), z.object({ slug: z.string(), n: z.int() })]);
    expect(describeParams(union)).toEqual({ id: "string|optional", slug: "string|optional", n: "number" });
  });
});

describe("`events replay --since`", () => {
  const now = Date.parse("2026-11-29T12:00:00.000Z");
  test.each([
    ["90s", "2026-11-29T11:58:30.000Z"],
    ["12h", "2026-11-29T00:00:00.000Z"],
    ["7d", "2026-11-22T12:00:00.000Z"],
    ["2026-11-28", "2026-11-28T00:00:00.000Z"],
  ])("%s", (text, since) => expect(parseSince(text, now)).toBe(since));

  test("refuses anything else", () => expect(() => parseSince("yesterday", now)).toThrow(/--since yesterday/));
});

describe("`mesh top`", () => {
  const stats = { uptime_seconds: 1, memory_bytes: 1_048_576, event_loop_lag_ms: 3 };
  const node = (calls: number, errors: number, buckets: readonly number[]) => ({
    ...{ id: "users-1", available: true, version: "1", services: ["users"] },
    stats: { ...stats, calls, errors, buckets },
  });

  test("shows what happened between two looks", () => {
    const [load] = compare([node(100, 1, [100, 0])], [node(120, 3, [100, 20])], 2);
    expect(load).toMatchObject({ node: "users-1", calls_per_second: 10, errors_per_second: 1, memory_mb: 1 });
    expect(load?.p95_ms).toBeGreaterThan(1);
    expect(load?.p95_ms).toBeLessThanOrEqual(2.5);
  });

  test("a node that restarted has no negative rates", () => {
    const [load] = compare([node(100, 5, [100])], [node(0, 0, [0])], 2);
    expect(load).toMatchObject({ calls_per_second: 0, errors_per_second: 0 });
  });

  test("a node that does not answer has no figures", () => {
    expect(compare([], [{ ...node(0, 0, []), stats: null }], 2)).toMatchObject([{ p95_ms: null, memory_mb: null }]);
  });

  test("there is no percentile without calls", () => expect(quantile([0, 0], 0.95)).toBeNull());
});
