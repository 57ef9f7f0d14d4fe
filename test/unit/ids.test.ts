import { describe, expect, test } from "@jest/globals";
import { validate, version } from "uuid";
import { type Clock, systemClock } from "../../lib/runtime/clock.ts";
import { idTime, isUuid, newId } from "../../lib/runtime/ids.ts";

function clockAt(iso: string): Clock & { time: Date } {
  const clock = { time: new Date(iso), now: () => clock.time, monotonic: () => 0 };
  return clock;
}

describe("a new id", () => {
  test("is a UUIDv7 of its clock's time", () => {
    const id = newId(clockAt("2026-03-04T05:06:07.089Z"));
    expect([validate(id), version(id), isUuid(id)]).toEqual([true, 7, true]);
    expect(idTime(id)).toEqual(new Date("2026-03-04T05:06:07.089Z"));
  });

  test("is greater than the previous one, even within a millisecond", () => {
    const ids = Array.from({ length: 20_000 }, () => newId(systemClock));
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("is greater than the previous one with the highest random bytes and a frozen clock", () => {
    const clock = clockAt("2026-03-04T05:06:07Z");
    const highest = { bytes: (size: number) => Buffer.alloc(size, 0xff), fraction: () => 0 };
    const ids = Array.from({ length: 1000 }, () => newId(clock, highest));
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("is greater than the previous one when the clock goes back", () => {
    const clock = clockAt("2026-03-04T05:06:07Z");
    const first = newId(clock);
    clock.time = new Date("2026-03-04T05:06:06Z");
    expect(newId(clock) > first).toBe(true);
  });

  test("of one clock is independent of other clocks", () => {
    newId(clockAt("2099-01-01T00:00:00Z"));
    expect(idTime(newId(clockAt("2026-01-01T00:00:00Z")))).toEqual(new Date("2026-01-01T00:00:00Z"));
  });
});

describe("the time of an id", () => {
  test.each(["", "x", "c232ab00-9414-4f0c-a3f1-1c7d9b0f1a2b"])("is refused for what is no UUIDv7 (%s)", (id) => {
    expect(() => idTime(id)).toThrow(TypeError);
  });
});

describe("a UUID", () => {
  test.each([
    null,
    1,
    "",
    "C232AB00-9414-4F0C-A3F1-1C7D9B0F1A2B",
    "c232ab00-9414-4f0c-a3f1-1c7d9b0f1a2b\n",
    `{c232ab00}`,
  ])("is not %j", (value) => expect(isUuid(value)).toBe(false));
});
