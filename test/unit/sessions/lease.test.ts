import { describe, expect, test } from "@jest/globals";
import { createLease } from "../../../lib/revocation/lease.ts";

function frozen() {
  const time = { wall: 1_000_000, monotonic: 0 };
  const clock = { now: () => new Date(time.wall), monotonic: () => time.monotonic };
  const pass = (ms: number) => {
    time.wall += ms;
    time.monotonic += ms;
  };
  return { clock, time, pass };
}

describe("a lease", () => {
  test("is held by nobody who was not granted one", () => {
    expect(createLease(frozen().clock, 0).held()).toBe(false);
  });

  test("runs three seconds from the moment of asking, however late the answer", () => {
    const { clock, pass } = frozen();
    const lease = createLease(clock, 0);
    const asked = lease.moment();
    pass(2_000);
    lease.grant(asked);
    pass(999);
    expect(lease.held()).toBe(true);
    pass(1);
    expect(lease.held()).toBe(false);
  });

  test("is not shortened by an answer that was overtaken", () => {
    const { clock, pass } = frozen();
    const lease = createLease(clock, 0);
    const first = lease.moment();
    pass(1_000);
    const second = lease.moment();
    lease.grant(second);
    lease.grant(first);
    pass(2_999);
    expect(lease.held()).toBe(true);
  });

  test.each(["wall", "monotonic"] as const)("ends by the %s clock alone", (which) => {
    const { clock, time } = frozen();
    const lease = createLease(clock, 0);
    lease.grant(lease.moment());
    time[which] += 3_000;
    expect(lease.held()).toBe(false);
  });

  test("ends when the wall clock goes back, and nothing asked before brings it back", () => {
    const { clock, time, pass } = frozen();
    const lease = createLease(clock, 0);
    lease.grant(lease.moment());
    const asked = lease.moment();
    time.wall -= 1;
    expect(lease.held()).toBe(false);
    pass(500);
    lease.grant(asked);
    expect(lease.held()).toBe(false);
  });

  test("is granted again to who asks after the wall clock went back", () => {
    const { clock, time } = frozen();
    const lease = createLease(clock, 0);
    lease.moment();
    time.wall -= 60_000;
    lease.grant(lease.moment());
    expect(lease.held()).toBe(true);
  });

  test("counts as held for the bounded time after its end", () => {
    const { clock, pass } = frozen();
    const lease = createLease(clock, 60_000);
    lease.grant(lease.moment());
    pass(62_999);
    expect(lease.held()).toBe(true);
    pass(1);
    expect(lease.held()).toBe(false);
  });

  test("that was dropped is not renewed by a question under way", () => {
    const { clock } = frozen();
    const lease = createLease(clock, 0);
    const asked = lease.moment();
    lease.drop();
    lease.grant(asked);
    expect(lease.held()).toBe(false);
  });
});
