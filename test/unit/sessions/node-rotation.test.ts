import { describe, expect, test } from "@jest/globals";
import { createNodeRotation } from "../../../lib/revocation/node-rotation.ts";

function setUp() {
  const time = { now: 0 };
  return { time, rotation: createNodeRotation({ monotonic: () => time.now }) };
}

const take = (count: number, next: () => string | undefined) => Array.from({ length: count }, next);

describe("the node rotation", () => {
  test("rerotation the nodes in turn", () => {
    const { rotation } = setUp();
    expect(take(4, () => rotation.next(["b", "c", "a"]))).toEqual(["a", "b", "c", "a"]);
  });

  test("skips a node that failed, for 10 seconds", () => {
    const { rotation, time } = setUp();
    rotation.recordFailure("b");
    expect(take(3, () => rotation.next(["a", "b", "c"]))).toEqual(["a", "c", "a"]);
    time.now = 10_001;
    expect(rotation.next(["a", "b", "c"])).toBe("b");
  });

  test("rerotation failed nodes if all have failed", () => {
    const { rotation } = setUp();
    rotation.recordFailure("a");
    rotation.recordFailure("b");
    expect(take(3, () => rotation.next(["a", "b"]))).toEqual(["a", "b", "a"]);
  });

  test("rerotation undefined if there are no nodes", () => {
    expect(setUp().rotation.next([])).toBeUndefined();
  });
});
