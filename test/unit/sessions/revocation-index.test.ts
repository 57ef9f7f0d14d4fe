import { describe, expect, test } from "@jest/globals";
import { createRevocationIndex } from "../../../lib/revocation/revocation-index.ts";

const claims = { sid: "s1", sub: "u1", tid: "t1", ver: 2, tver: 5 };
const entry = (kind: string, key: string, value: number | null = null) => ({ kind, key, value });

describe("the revocation index", () => {
  test("accepts every token at first", () => {
    expect(createRevocationIndex().check(claims)).toBeNull();
  });

  test.each([
    [entry("session", "s1"), "session_ended"],
    [entry("session", "s2"), null],
    [entry("user", "u1", 3), "token_stale"],
    [entry("user", "u1", 2), null],
    [entry("tenant", "t1", 6), "token_stale"],
    [entry("tenant", "t1", 5), null],
    [entry("cache", "s1"), null],
  ])("after %j", (known, result) => {
    const index = createRevocationIndex();
    index.apply([known], 0);
    expect(index.check(claims)).toBe(result);
  });

  test("reports a revoked session before a stale token, because refreshing would not help", () => {
    const index = createRevocationIndex();
    index.apply([entry("user", "u1", 9), entry("session", "s1")], 0);
    expect(index.check(claims)).toBe("session_ended");
  });

  test("keeps the highest version, whatever is applied later", () => {
    const index = createRevocationIndex();
    index.apply([entry("user", "u1", 3)], 0);
    index.apply([entry("user", "u1", 1)], 1);
    expect(index.check(claims)).toBe("token_stale");
  });

  test("drops entries by age, counted from when they were last applied", () => {
    const index = createRevocationIndex();
    index.apply([entry("session", "s1"), entry("session", "s2")], 0);
    index.apply([entry("session", "s1")], 10);
    index.dropEntriesBefore(10);
    expect(index.check(claims)).toBe("session_ended");
    expect(index.check({ ...claims, sid: "s2" })).toBeNull();
  });
});
