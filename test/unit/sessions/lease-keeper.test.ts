import { describe, expect, test } from "@jest/globals";
import { LeaseKeeper, type LeasePage } from "../../../lib/revocation/lease-keeper.ts";
import { createVirtualTime } from "../../support/fakes/virtual-time.ts";

const claims = { sid: "s1", sub: "u1", tid: "t1", ver: 0, tver: 0 };
const ended = (key: string) => ({ kind: "session", key, value: null });

interface Question {
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
  const questions: Question[] = [];
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
        questions.push({ at: time.now(), node, since, answer, fail: () => reject(new Error("away")) });
        if (immediately) answer(immediately);
      }),
  });
  const question = (n: number): Question => questions[n] as Question;
  const pass = (ms: number) => time.runUntil(time.now() + ms);
  return { time, keeper, questions, question, held, pass };
}

describe("who keeps a lease", () => {
  test("asks once a second, another node each time, whatever became of the last question", async () => {
    const { questions, question, pass } = setUp();
    question(0).answer({});
    await pass(3_250);
    expect(questions.map(({ at, node }) => [at, node])).toEqual([
      [0, "a"],
      [200, "b"],
      [1_200, "a"],
      [2_200, "b"],
      [3_200, "a"],
    ]);
  });

  test("asks more often until the first lease, and is ready from then on", async () => {
    const { keeper, questions, question, pass } = setUp();
    await pass(1_000);
    expect([questions.length, keeper.isReady()]).toEqual([6, false]);
    question(5).answer({});
    await pass(10_000);
    expect([keeper.isReady(), keeper.check(claims)]).toEqual([true, "no_lease"]);
  });

  test("lets a token in while the lease runs, and says when it is lost", async () => {
    const { keeper, question, pass, held } = setUp();
    expect(keeper.check(claims)).toBe("no_lease");
    question(0).answer({});
    await pass(2_999);
    expect(keeper.check(claims)).toBeNull();
    await pass(1);
    expect(keeper.check(claims)).toBe("no_lease");
    question(3).fail();
    await pass(0);
    expect(held).toEqual([true, false]);
  });

  test("goes on asking after what the last complete answer had", async () => {
    const { question, pass } = setUp();
    question(0).answer({ seq: 7 });
    await pass(200);
    expect(question(1).since).toBe(7);
  });

  test("learns from a push, and asks for it all the same", async () => {
    const { keeper, question, pass } = setUp();
    question(0).answer({ seq: 7 });
    await pass(100);
    keeper.apply([ended("s1")]);
    expect(keeper.check(claims)).toBe("session_ended");
    await pass(100);
    expect(question(1).since).toBe(7);
  });

  test("reads on by the page and takes the lease from the last one's moment", async () => {
    const { keeper, question, pass } = setUp();
    await pass(50);
    question(0).answer({ changes: [ended("s1")], seq: 5, granted: false });
    await pass(0);
    expect([question(1).since, keeper.check(claims), keeper.check({ ...claims, sid: "s2" })]).toEqual([
      5,
      "session_ended",
      "no_lease",
    ]);
    question(1).answer({ changes: [ended("s2")], seq: 6 });
    await pass(2_949);
    expect([keeper.check({ ...claims, sid: "s2" }), keeper.check({ ...claims, sid: "s3" })]).toEqual([
      "session_ended",
      null,
    ]);
    await pass(51);
    expect(keeper.check({ ...claims, sid: "s3" })).toBe("no_lease");
  });

  test("does not go back when an older answer comes last", async () => {
    const { question, pass, questions } = setUp();
    await pass(200);
    question(1).answer({ seq: 9 });
    question(0).answer({ seq: 4 });
    await pass(1_000);
    expect(questions.at(-1)?.since).toBe(9);
  });

  test("forgets what a full answer has no more, but nothing that it was told meanwhile", async () => {
    const { keeper, question, pass } = setUp();
    question(0).answer({ changes: [{ kind: "user", key: "u1", value: 9 }], seq: 900 });
    await pass(200);
    keeper.apply([ended("pushed")]);
    question(1).answer({ changes: [{ kind: "user", key: "u1", value: 2 }], seq: 3, full: true });
    await pass(0);
    expect(keeper.check({ ...claims, ver: 2 })).toBeNull();
    expect(keeper.check({ ...claims, sid: "pushed", ver: 2 })).toBe("session_ended");
    await pass(1_000);
    expect(question(2).since).toBe(3);
  });

  test("forgets entries that no living token can meet", async () => {
    const { keeper, pass } = setUp({ keepMs: 10_000, immediately: { seq: 1 } });
    keeper.apply([ended("s1")]);
    await pass(9_900);
    expect(keeper.check(claims)).toBe("session_ended");
    await pass(1_400);
    expect(keeper.check(claims)).toBeNull();
  });

  test("that stops accepts nothing from that moment, and asks no more", async () => {
    const { keeper, question, questions, pass } = setUp();
    question(0).answer({});
    await pass(200);
    const stopped = keeper.stop();
    expect(keeper.check(claims)).toBe("no_lease");
    question(1).answer({});
    await stopped;
    await pass(5_000);
    expect([keeper.check(claims), questions.length]).toEqual(["no_lease", 2]);
  });

  test("without a node to ask asks again when there is one", async () => {
    const nodes: string[] = [];
    const { questions, pass } = setUp({ nodes });
    await pass(350);
    expect(questions).toEqual([]);
    nodes.push("a");
    await pass(50);
    expect(questions).toHaveLength(1);
  });
});
