import { describe, expect, test } from "@jest/globals";
import { LeaseKeeper, type LeasePage } from "../../../lib/revocation/lease-keeper.ts";
import { createVirtualTime } from "../../support/fakes/virtual-time.ts";

const claims = { sid: "s1", sub: "u1", tid: "t1", ver: 0, tver: 0 };
const revoked = (key: string) => ({ kind: "session", key, value: null });

interface Renewal {
  readonly at: number;
  readonly node: string;
  readonly since: number;
  answer(page: Partial<LeasePage>): void;
  fail(): void;
}

function setUp({
  nodes = ["a", "b"],
  keepMs = 3_600_000,
  immediately,
}: {
  nodes?: string[];
  keepMs?: number;
  immediately?: Partial<LeasePage>;
} = {}) {
  const time = createVirtualTime();
  const renewals: Renewal[] = [];
  const held: boolean[] = [];
  const keeper = new LeaseKeeper({
    clock: time.clock,
    timers: time.timers,
    maxStalenessMs: 0,
    retentionMs: keepMs,
    onRenewalFailed: () => undefined,
    onHeldChanged: (now) => held.push(now),
  });
  keeper.start({
    nodes: () => nodes,
    renew: (node, since) =>
      new Promise((resolve, reject) => {
        const answer = (page: Partial<LeasePage>) =>
          resolve({ changes: [], seq: since, granted: true, full: false, ...page });
        renewals.push({ at: time.now(), node, since, answer, fail: () => reject(new Error("away")) });
        if (immediately) answer(immediately);
      }),
  });
  const renewal = (n: number): Renewal => renewals[n] as Renewal;
  const pass = (ms: number) => time.runUntil(time.now() + ms);
  return { time, keeper, renewals, renewal, held, pass };
}

describe("a lease keeper", () => {
  test("requests a renewal once a second, from another node each time, without waiting for the previous one", async () => {
    const { renewals, renewal, pass } = setUp();
    renewal(0).answer({});
    await pass(3_250);
    expect(renewals.map(({ at, node }) => [at, node])).toEqual([
      [0, "a"],
      [200, "b"],
      [1_200, "a"],
      [2_200, "b"],
      [3_200, "a"],
    ]);
  });

  test("requests more often until the first lease", async () => {
    const { keeper, renewals, renewal, pass } = setUp();
    await pass(1_000);
    expect([renewals.length, keeper.isHeld()]).toEqual([6, false]);
    renewal(5).answer({});
    await pass(2_000);
    expect([renewals.length, keeper.isHeld()]).toEqual([8, true]);
  });

  test("accepts tokens while it holds the lease, and reports when the lease is lost", async () => {
    const { keeper, renewal, pass, held } = setUp();
    expect(keeper.check(claims)).toBe("no_lease");
    renewal(0).answer({});
    await pass(2_999);
    expect(keeper.check(claims)).toBeNull();
    await pass(1);
    expect(keeper.check(claims)).toBe("no_lease");
    renewal(3).fail();
    await pass(0);
    expect(held).toEqual([true, false]);
  });

  test("continues after the position of the last complete response", async () => {
    const { renewal, pass } = setUp();
    renewal(0).answer({ seq: 7 });
    await pass(200);
    expect(renewal(1).since).toBe(7);
  });

  test("applies pushed entries without moving its position", async () => {
    const { keeper, renewal, pass } = setUp();
    renewal(0).answer({ seq: 7 });
    await pass(100);
    keeper.apply([revoked("s1")]);
    expect(keeper.check(claims)).toBe("session_ended");
    await pass(100);
    expect(renewal(1).since).toBe(7);
  });

  test("reads all pages, and counts the lease from the request of the last one", async () => {
    const { keeper, renewal, pass } = setUp();
    await pass(50);
    renewal(0).answer({ changes: [revoked("s1")], seq: 5, granted: false });
    await pass(0);
    expect([renewal(1).since, keeper.check(claims), keeper.check({ ...claims, sid: "s2" })]).toEqual([
      5,
      "session_ended",
      "no_lease",
    ]);
    renewal(1).answer({ changes: [revoked("s2")], seq: 6 });
    await pass(2_949);
    expect([keeper.check({ ...claims, sid: "s2" }), keeper.check({ ...claims, sid: "s3" })]).toEqual([
      "session_ended",
      null,
    ]);
    await pass(51);
    expect(keeper.check({ ...claims, sid: "s3" })).toBe("no_lease");
  });

  test("keeps its position when an older response arrives last", async () => {
    const { renewal, pass, renewals } = setUp();
    await pass(200);
    renewal(1).answer({ seq: 9 });
    renewal(0).answer({ seq: 4 });
    await pass(1_000);
    expect(renewals.at(-1)?.since).toBe(9);
  });

  test("drops entries that a full response lacks, but none that were pushed in the meantime", async () => {
    const { keeper, renewal, pass } = setUp();
    renewal(0).answer({ changes: [{ kind: "user", key: "u1", value: 9 }], seq: 900 });
    await pass(200);
    keeper.apply([revoked("pushed")]);
    renewal(1).answer({ changes: [{ kind: "user", key: "u1", value: 2 }], seq: 3, full: true });
    await pass(0);
    expect(keeper.check({ ...claims, ver: 2 })).toBeNull();
    expect(keeper.check({ ...claims, sid: "pushed", ver: 2 })).toBe("session_ended");
    await pass(1_000);
    expect(renewal(2).since).toBe(3);
  });

  test("drops entries that are older than any live token", async () => {
    const { keeper, pass } = setUp({ keepMs: 10_000, immediately: { seq: 1 } });
    keeper.apply([revoked("s1")]);
    await pass(9_900);
    expect(keeper.check(claims)).toBe("session_ended");
    await pass(1_400);
    expect(keeper.check(claims)).toBeNull();
  });

  test("accepts nothing and requests nothing once it is stopped", async () => {
    const { keeper, renewal, renewals, pass } = setUp();
    renewal(0).answer({});
    await pass(200);
    const stopped = keeper.stop();
    expect(keeper.check(claims)).toBe("no_lease");
    renewal(1).answer({});
    await stopped;
    await pass(5_000);
    expect([keeper.check(claims), renewals.length]).toEqual(["no_lease", 2]);
  });

  test("requests a renewal as soon as a node is available", async () => {
    const nodes: string[] = [];
    const { renewals, pass } = setUp({ nodes });
    await pass(350);
    expect(renewals).toEqual([]);
    nodes.push("a");
    await pass(50);
    expect(renewals).toHaveLength(1);
  });
});
