import { describe, expect, test } from "@jest/globals";
import { createNodeRotation } from "../../../lib/revocation/node-rotation.ts";

function turnsAt() {
  const time = { now: 0 };
  return { time, turns: createNodeRotation({ monotonic: () => time.now }) };
}

const take = (count: number, next: () => string | undefined) => Array.from({ length: count }, next);

describe("turns", () => {
  test("take another node each time, in a circle", () => {
    const { turns } = turnsAt();
    expect(take(4, () => turns.next(["b", "c", "a"]))).toEqual(["a", "b", "c", "a"]);
  });

  test("leave out who failed of late, and come back to him", () => {
    const { turns, time } = turnsAt();
    turns.recordFailure("b");
    expect(take(3, () => turns.next(["a", "b", "c"]))).toEqual(["a", "c", "a"]);
    time.now = 10_001;
    expect(turns.next(["a", "b", "c"])).toBe("b");
  });

  test("take who failed where there is nobody else", () => {
    const { turns } = turnsAt();
    turns.recordFailure("a");
    turns.recordFailure("b");
    expect(take(3, () => turns.next(["a", "b"]))).toEqual(["a", "b", "a"]);
  });

  test("are nobody's where there is nobody", () => {
    expect(turnsAt().turns.next([])).toBeUndefined();
  });
});
