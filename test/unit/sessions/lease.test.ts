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
  test("is not held before it is granted", () => {
    expect(createLease(frozen().clock, 0).isHeld()).toBe(false);
  });

  test("lasts three seconds from the request, however late the response", () => {
    const { clock, pass } = frozen();
    const lease = createLease(clock, 0);
    const requestedAt = lease.timestamp();
    pass(2_000);
    lease.grant(requestedAt);
    pass(999);
    expect(lease.isHeld()).toBe(true);
    pass(1);
    expect(lease.isHeld()).toBe(false);
  });

  test("is not shortened by the late response to an earlier request", () => {
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

  test.each(["wall", "monotonic"] as const)("expires by the %s clock alone", (which) => {
    const { clock, time } = frozen();
    const lease = createLease(clock, 0);
    lease.grant(lease.timestamp());
    time[which] += 3_000;
    expect(lease.isHeld()).toBe(false);
  });

  test("ends when the wall clock goes back, and no earlier request can renew it", () => {
    const { clock, time, pass } = frozen();
    const lease = createLease(clock, 0);
    lease.grant(lease.timestamp());
    const requestedAt = lease.timestamp();
    time.wall -= 1;
    expect(lease.isHeld()).toBe(false);
    pass(500);
    lease.grant(requestedAt);
    expect(lease.isHeld()).toBe(false);
  });

  test("is granted again by a request after the wall clock went back", () => {
    const { clock, time } = frozen();
    const lease = createLease(clock, 0);
    lease.timestamp();
    time.wall -= 60_000;
    lease.grant(lease.timestamp());
    expect(lease.isHeld()).toBe(true);
  });

  test("counts as held for the maximum staleness after it expires", () => {
    const { clock, pass } = frozen();
    const lease = createLease(clock, 60_000);
    lease.grant(lease.timestamp());
    pass(62_999);
    expect(lease.isHeld()).toBe(true);
    pass(1);
    expect(lease.isHeld()).toBe(false);
  });

  test("that was dropped is not renewed by a pending request", () => {
    const { clock } = frozen();
    const lease = createLease(clock, 0);
    const requestedAt = lease.timestamp();
    lease.drop();
    lease.grant(requestedAt);
    expect(lease.isHeld()).toBe(false);
  });
});
