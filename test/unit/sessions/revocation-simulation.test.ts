import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Call } from "../../../lib/actions/typed-call.ts";
import { createMetrics } from "../../../lib/observability/metrics.ts";
import { LeaseKeeper, type LeasePage } from "../../../lib/revocation/lease-keeper.ts";
import type { Clock, Timers } from "../../../lib/runtime/clock.ts";
import { confirmRevocation } from "../../../services/sessions/revocation/confirm-revocation.ts";
import type { RevocationEntry } from "../../../services/sessions/session/sessions.repo.ts";
import { createVirtualTime, type VirtualTime } from "../../support/fakes/virtual-time.ts";

/**
 * The real lease keeper and the real revocation in virtual time: messages take up to 1.2 s or are lost, processes are
 * paused for seconds and receive their messages afterwards, and the database executes one statement at a time.
 */
const scenarios = fc.record({
  /** Transit times of the messages in ms, used in turn; null for a lost message. */
  delays: fc.array(fc.option(fc.integer({ min: 0, max: 1_200 }), { freq: 4 }), { minLength: 5, maxLength: 40 }),
  pauses: fc.array(
    fc.record({
      holder: fc.nat(1),
      from: fc.integer({ min: 0, max: 12_000 }),
      length: fc.integer({ min: 100, max: 6_000 }),
    }),
    { maxLength: 4 },
  ),
  revocations: fc.array(fc.integer({ min: 1_000, max: 12_000 }), { minLength: 1, maxLength: 6 }),
});

test("no lease holder accepts a session whose revocation was confirmed, whatever is lost, late or paused", async () => {
  await fc.assert(
    fc.asyncProperty(scenarios, async (scenario) => expect(await acceptedAfterConfirmation(scenario)).toEqual([])),
    { numRuns: 150 },
  );
});

test("a lease holder that receives every response always holds its lease", async () => {
  const time = createVirtualTime();
  const database = createDatabaseModel(time);
  const process = createProcess(time, []);
  const keeper = startHolder(process, "g", database, () => 20);
  const results = new Set<string | null>();
  await time.runUntil(1_000);
  await time.runUntil(30_000, () => results.add(keeper.check(claimsOf("s"))));
  expect([...results]).toEqual([null]);
});

interface Scenario {
  readonly delays: ReadonlyArray<number | null>;
  readonly pauses: ReadonlyArray<{ readonly holder: number; readonly from: number; readonly length: number }>;
  readonly revocations: readonly number[];
}

async function acceptedAfterConfirmation(scenario: Scenario): Promise<string[]> {
  const metrics = createMetrics();
  const time = createVirtualTime();
  const database = createDatabaseModel(time);
  let turn = 0;
  const delay = () => scenario.delays[turn++ % scenario.delays.length] ?? null;
  const processes = ["g0", "g1"].map((_, n) =>
    createProcess(
      time,
      scenario.pauses.filter((pause) => pause.holder === n),
    ),
  );
  const keepers = processes.map((process, n) => startHolder(process, `g${n}`, database, delay));
  const confirmed = new Set<string>();
  const accepted: string[] = [];
  const push = pushOver(time, processes, keepers, delay);
  scenario.revocations.forEach((at, n) => {
    time.at(at, () => {
      const changes = [database.commit(`s${n}`)];
      void confirmRevocation(
        { platform: { ...time, log: silent, metrics }, leaseDb: database.asDatabase },
        push,
        changes,
      ).then(() => confirmed.add(`s${n}`));
    });
  });
  const look = () => {
    for (const [n, keeper] of keepers.entries()) {
      if (processes[n]?.isPaused()) continue;
      for (const session of confirmed)
        if (keeper.check(claimsOf(session)) === null) accepted.push(`${session} by g${n} at ${time.now()}`);
    }
  };
  for (const pause of scenario.pauses) time.at(pause.from + pause.length, look);
  await time.runUntil(22_000, look);
  expect(confirmed.size).toBe(scenario.revocations.length);
  return accepted;
}

interface Process {
  readonly clock: Clock;
  readonly timers: Timers;
  isPaused(): boolean;
  /** Runs it now, or when the process resumes. */
  deliver(run: () => void): void;
}

function createProcess(time: VirtualTime, pauses: ReadonlyArray<{ from: number; length: number }>): Process {
  const resumesAt = () =>
    Math.max(
      0,
      ...pauses
        .filter(({ from, length }) => from <= time.now() && time.now() < from + length)
        .map(({ from, length }) => from + length),
    );
  const deliver = (run: () => void): void => {
    if (resumesAt() > time.now()) time.at(resumesAt(), () => deliver(run));
    else run();
  };
  const after = (ms: number, run: () => void) => time.timers.after(ms, () => deliver(run));
  return { clock: time.clock, timers: { ...time.timers, after }, isPaused: () => resumesAt() > time.now(), deliver };
}

function startHolder(
  process: Process,
  gatewayId: string,
  database: DatabaseModel,
  delay: () => number | null,
): LeaseKeeper {
  const nothing = () => undefined;
  const { clock, timers } = process;
  const keeper = new LeaseKeeper({
    clock,
    timers,
    maxStalenessMs: 0,
    retentionMs: 3_600_000,
    onRenewalFailed: nothing,
    onHeldChanged: nothing,
  });
  keeper.start({
    nodes: () => ["a", "b"],
    renew: (_, since) =>
      new Promise((resolve, reject) => {
        timers.after(1_000, () => reject(new Error("timeout")));
        database.after(delay(), () => {
          const page = database.lease(gatewayId, since);
          database.after(delay(), () => process.deliver(() => resolve(page)));
        });
      }),
  });
  return keeper;
}

function pushOver(
  time: VirtualTime,
  processes: readonly Process[],
  keepers: readonly LeaseKeeper[],
  delay: () => number | null,
): Call {
  const call = (_: string, params: { gateway_id: string; changes: RevocationEntry[] }) =>
    new Promise((resolve, reject) => {
      time.at(time.now() + 1_000, () => reject(new Error("timeout")));
      const n = Number(params.gateway_id.slice(1));
      const [there, back] = [delay(), delay()];
      if (there === null) return reject(new Error("no such node"));
      time.at(time.now() + there, () =>
        processes[n]?.deliver(() => {
          keepers[n]?.apply(params.changes);
          if (back !== null) time.at(time.now() + back, () => resolve({ gateway_id: params.gateway_id }));
        }),
      );
    });
  return call as unknown as Call;
}

type DatabaseModel = ReturnType<typeof createDatabaseModel>;

function createDatabaseModel(time: VirtualTime) {
  const log: RevocationEntry[] = [];
  const leases = new Map<string, number>();
  const holders = () =>
    [...leases]
      .filter(([, until]) => until >= time.now())
      .map(([gateway_id, until]) => ({
        gateway_id,
        node_id: "n",
        action: "gateway.applyRevocations",
        remaining: until - time.now(),
      }));
  return {
    commit(key: string): RevocationEntry {
      const change = { seq: log.length + 1, kind: "session", key, value: null } as const;
      log.push(change);
      return change;
    },
    lease(gatewayId: string, since: number): LeasePage {
      leases.set(gatewayId, time.now() + 3_000);
      return { changes: log.filter((change) => change.seq > since), seq: log.length, granted: true, full: false };
    },
    after(ms: number | null, run: () => void): void {
      if (ms !== null) time.at(time.now() + ms, run);
    },
    asDatabase: { query: async () => holders() } as never,
  };
}

const silent = { warn: () => undefined } as never;
const claimsOf = (sid: string) => ({ sid, sub: "u", tid: "t", ver: 0, tver: 0 });
