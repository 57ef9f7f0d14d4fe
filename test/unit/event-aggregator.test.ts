import { describe, expect, test } from "@jest/globals";
import { createEventAggregator } from "../../lib/observability/event-aggregator.ts";
import type { Timers } from "../../lib/runtime/clock.ts";

function setUp(maxKeys = 3) {
  const emitted: string[] = [];
  const due: Array<() => void> = [];
  const timers: Pick<Timers, "after"> = {
    after: (_, fn) => {
      due.push(fn);
      return () => void due.splice(due.indexOf(fn), 1);
    },
  };
  const aggregator = createEventAggregator<string>({
    timers: timers as Timers,
    windowMs: 60_000,
    maxKeys,
    emit: (event, repeated) => emitted.push(repeated === undefined ? event : `${event} +${repeated}`),
    anonymous: () => "others",
  });
  return { aggregator, emitted, endWindow: () => due.shift()?.() };
}

describe("security events of a flood", () => {
  test("of one key are two entries in a window: the first, and the number of others", () => {
    const { aggregator, emitted, endWindow } = setUp();
    for (let n = 0; n < 1_000; n += 1) aggregator.add("a", "a");
    expect(emitted).toEqual(["a"]);
    endWindow();
    expect(emitted).toEqual(["a", "a +999"]);
    aggregator.add("a", "a");
    expect(emitted).toEqual(["a", "a +999", "a"]);
    endWindow();
    expect(emitted).toHaveLength(3);
  });

  test("of many keys share one entry above the limit, so none is lost from the total", () => {
    const { aggregator, emitted, endWindow } = setUp(3);
    for (let n = 0; n < 10_000; n += 1) aggregator.add(`key-${n}`, `key-${n}`);
    endWindow();
    expect(emitted).toEqual(["key-0", "key-1", "key-2", "others", "others +9996"]);
  });

  test("that are pending are emitted at the stop", () => {
    const { aggregator, emitted, endWindow } = setUp();
    aggregator.add("a", "a");
    aggregator.add("a", "a");
    aggregator.flush();
    expect(emitted).toEqual(["a", "a +1"]);
    endWindow();
    expect(emitted).toHaveLength(2);
  });
});
