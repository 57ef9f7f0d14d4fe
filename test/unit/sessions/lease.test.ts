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
    expect(createLease(frozen().clock, 0).isHeld()).toBe(false);
  });

  test("runs three seconds from the moment of asking, however late the answer", () => {
    const { clock, pass } = frozen();
    const lease = createLease(clock, 0);
    const asked = lease.timestamp();
    pass(2_000);
    lease.grant(asked);
    pass(999);
    expect(lease.isHeld()).toBe(true);
    pass(1);
    expect(lease.isHeld()).toBe(false);
  });

  test("is not shortened by an answer that was overtaken", () => {
    const { clock, pass } = frozen();
    const lease = createLease(clock, 0);
    const first = lease.timestamp();
    pass(1_000);
    const second = lease.timestamp();
    lease.grant(second);
    lease.grant(first);
    pass(2_999);
    expect(lease.isHeld()).toBe(true);
  });

  test.each(["wall", "monotonic"] as const)("ends by the %s clock alone", (which) => {
    const { clock, time } = frozen();
    const lease = createLease(clock, 0);
    lease.grant(lease.timestamp());
    time[which] += 3_000;
    expect(lease.isHeld()).toBe(false);
  });

  test("ends when the wall clock goes back, and nothing asked before brings it back", () => {
    const { clock, time, pass } = frozen();
    const lease = createLease(clock, 0);
    lease.grant(lease.timestamp());
    const asked = lease.timestamp();
    time.wall -= 1;
    expect(lease.isHeld()).toBe(false);
    pass(500);
    lease.grant(asked);
    expect(lease.isHeld()).toBe(false);
  });

  test("is granted again to who asks after the wall clock went back", () => {
    const { clock, time } = frozen();
    const lease = createLease(clock, 0);
    lease.timestamp();
    time.wall -= 60_000;
    lease.grant(lease.timestamp());
    expect(lease.isHeld()).toBe(true);
  });

  test("counts as held for the bounded time after its end", () => {
    const { clock, pass } = frozen();
    const lease = createLease(clock, 60_000);
    lease.grant(lease.timestamp());
    pass(62_999);
    expect(lease.isHeld()).toBe(true);
    pass(1);
    expect(lease.isHeld()).toBe(false);
  });

  test("that was dropped is not renewed by a question under way", () => {
    const { clock } = frozen();
    const lease = createLease(clock, 0);
    const asked = lease.timestamp();
    lease.drop();
    lease.grant(asked);
    expect(lease.isHeld()).toBe(false);
  });
});
