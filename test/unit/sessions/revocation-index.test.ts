import { describe, expect, test } from "@jest/globals";
import { createRevocationIndex } from "../../../lib/revocation/revocation-index.ts";

const claims = { sid: "s1", sub: "u1", tid: "t1", ver: 2, tver: 5 };
const change = (kind: string, key: string, value: number | null = null) => ({ kind, key, value });

describe("what is void", () => {
  test("is nothing at first", () => {
    expect(createRevocationIndex().check(claims)).toBeNull();
  });

  test.each([
    [change("session", "s1"), "session_ended"],
    [change("session", "s2"), null],
    [change("user", "u1", 3), "token_stale"],
    [change("user", "u1", 2), null],
    [change("tenant", "t1", 6), "token_stale"],
    [change("tenant", "t1", 5), null],
    [change("cache", "s1"), null],
  ])("after %j", (known, verdict) => {
    const revocations = createRevocationIndex();
    revocations.apply([known], 0);
    expect(revocations.check(claims)).toBe(verdict);
  });

  test("is an ended session rather than a stale token: refreshing would not help", () => {
    const revocations = createRevocationIndex();
    revocations.apply([change("user", "u1", 9), change("session", "s1")], 0);
    expect(revocations.check(claims)).toBe("session_ended");
  });

  test("does not fall back to a lower version that is told later", () => {
    const revocations = createRevocationIndex();
    revocations.apply([change("user", "u1", 3)], 0);
    revocations.apply([change("user", "u1", 1)], 1);
    expect(revocations.check(claims)).toBe("token_stale");
  });

  test("is forgotten by its age, counted from when it was told last", () => {
    const revocations = createRevocationIndex();
    revocations.apply([change("session", "s1"), change("session", "s2")], 0);
    revocations.apply([change("session", "s1")], 10);
    revocations.dropEntriesBefore(10);
    expect(revocations.check(claims)).toBe("session_ended");
    expect(revocations.check({ ...claims, sid: "s2" })).toBeNull();
  });
});
