import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import pino from "pino";
import { openQueues, type QueueOptions } from "../../../lib/queues/queues.ts";
import { systemRandom } from "../../../lib/runtime/clock.ts";
import { DeadLetter, type Job, PauseQueue, type Queues } from "../../../lib/runtime/platform.ts";
import { type EmbeddedRedis, startRedis } from "../../../scripts/local-servers/redis.ts";
import { eventually } from "../../support/eventually.ts";
import { createTestDatabase, type TestDatabase } from "../../support/start/database.ts";
import { killGroup, launch } from "../local-servers/support/launched.ts";
import { removeDir, scratchDir } from "../local-servers/support/scratch.ts";

const log = pino({ level: "silent" });

const queueDatabase = (url: string) => ({ url, ssl: false as const, schema: "jobs" });

interface Store {
  options(): Pick<QueueOptions, "redisUrl" | "database">;
  start(): Promise<void>;
  stop(): Promise<void>;
}

function redisStore(): Store {
  let dir: string;
  let redis: EmbeddedRedis;
  return {
    options: () => ({ redisUrl: redis.url, database: undefined }),
    start: async () => {
      dir = await scratchDir();
      redis = await startRedis({ dir, log });
    },
    stop: async () => {
      await redis.stop();
      await removeDir(dir);
    },
  };
}

function postgresStore(): Store {
  let database: TestDatabase;
  return {
    options: () => ({ redisUrl: undefined, database: queueDatabase(database.url) }),
    start: async () => {
      database = await createTestDatabase();
    },
    stop: () => database.drop(),
  };
}

describe.each([
  { name: "Redis", store: redisStore() },
  { name: "PostgreSQL", store: postgresStore() },
])("queues on $name", ({ store }) => {
  let opened: Queues[];
  let queue: string;

  beforeAll(store.start);
  afterAll(store.stop);

  beforeEach(() => {
    opened = [];
    queue = `q-${randomUUID()}`;
  });

  afterEach(async () => {
    await Promise.all(opened.map((queues) => queues.close()));
  });

  // The smallest possible jitter: retries run as early as possible.
  const open = async (): Promise<Queues> => {
    const queues = await openQueues({ ...store.options(), log, random: { ...systemRandom, fraction: () => 0 } });
    opened.push(queues);
    return queues;
  };

  const job = (data: unknown = {}): Job => ({ id: randomUUID(), name: "greet", data });

  const add = (queues: Queues, one: Job) =>
    eventually("the job is added", () => queues.add(queue, one).then(() => true));

  test("a job is handled once, with its id, name and data", async () => {
    const queues = await open();
    const handled: Job[] = [];
    await queues.work(queue, { concurrency: 2, handle: async (one) => void handled.push(one) });
    const one = job({ kind: "verify_email" });
    await add(queues, one);
    await eventually("it is completed", async () => (await queues.counts(queue)).completed === 1);
    expect(handled).toEqual([{ ...one, attempt: 1, isLastAttempt: false }]);
  });

  test("a job whose id exists or was handled recently is not added again", async () => {
    const queues = await open();
    let handled = 0;
    const one = job();
    await add(queues, one);
    await add(queues, one);
    await queues.work(queue, {
      concurrency: 1,
      handle: async () => {
        handled += 1;
      },
    });
    await eventually("it is completed", async () => (await queues.counts(queue)).completed === 1);
    await add(queues, one);
    const other = job();
    await add(queues, other);
    await eventually("the other one is completed", async () => (await queues.counts(queue)).completed === 2);
    expect(handled).toBe(2);
  });

  test("two workers share the jobs, and none is handled twice", async () => {
    const [here, there] = [await open(), await open()];
    const handled: string[] = [];
    const handle = async (one: Job) => void handled.push(one.id);
    await here.work(queue, { concurrency: 2, handle });
    await there.work(queue, { concurrency: 2, handle });
    const jobs = Array.from({ length: 50 }, () => job());
    for (const one of jobs) await add(here, one);
    await eventually("all are completed", async () => (await here.counts(queue)).completed === jobs.length);
    expect(handled.sort()).toEqual(jobs.map(({ id }) => id).sort());
  });

  test("a failed job is retried with the number of the attempt", async () => {
    const queues = await open();
    const attempts: number[] = [];
    await queues.work(queue, {
      concurrency: 1,
      handle: async ({ attempt }) => {
        attempts.push(attempt);
        if (attempt === 1) throw new Error("not yet");
      },
    });
    await add(queues, job());
    await eventually("it is completed", async () => (await queues.counts(queue)).completed === 1);
    expect(attempts).toEqual([1, 2]);
  });

  test("a paused queue starts no job until the pause ends, and no attempt is used", async () => {
    const queues = await open();
    const turns: Array<{ at: number; attempt: number }> = [];
    await queues.work(queue, {
      concurrency: 1,
      handle: async ({ attempt }) => {
        turns.push({ at: performance.now(), attempt });
        if (turns.length <= 3) throw new PauseQueue(300);
      },
    });
    await add(queues, job());
    await eventually("it is completed", async () => (await queues.counts(queue)).completed === 1);
    expect(turns.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1]);
    expect(gaps(turns).every((gap) => gap >= 250)).toBe(true);
  });

  test("a pause applies to another node's worker too", async () => {
    const [here, there] = [await open(), await open()];
    const turns: Array<{ at: number }> = [];
    const handle = async () => {
      turns.push({ at: performance.now() });
      if (turns.length === 1) throw new PauseQueue(1_000);
    };
    await here.work(queue, { concurrency: 1, handle });
    await add(here, job());
    await eventually("it is paused", () => turns.length === 1);
    await there.work(queue, { concurrency: 1, handle });
    await add(here, job());
    await eventually("both are completed", async () => (await here.counts(queue)).completed === 2);
    expect(gaps(turns)[0]).toBeGreaterThan(900);
  });

  test("a permanently failed job becomes a dead letter, and can be retried", async () => {
    const queues = await open();
    let refuses = true;
    await queues.work(queue, {
      concurrency: 1,
      handle: async () => {
        if (refuses) throw new DeadLetter("the address is refused");
      },
    });
    const one = job({ user_id: "u1" });
    await add(queues, one);
    const [dead] = await eventually("it is a dead letter", async () => {
      const failed = await queues.failed(queue, 10);
      return failed.length > 0 && failed;
    });
    expect(dead).toMatchObject({ ...one, attempts: 1, reason: "the address is refused" });
    refuses = false;
    expect(await queues.retry(queue, one.id)).toBe(true);
    await eventually("it is completed", async () => (await queues.counts(queue)).completed === 1);
    expect(await queues.failed(queue, 10)).toEqual([]);
  });

  test("a job that always fails becomes a dead letter after the attempts of its queue", async () => {
    const queues = await open();
    const attempts: Array<[number, boolean]> = [];
    await queues.work("push", {
      concurrency: 1,
      handle: async ({ attempt, isLastAttempt }) => {
        attempts.push([attempt, isLastAttempt]);
        throw new Error("the service answers 500");
      },
    });
    await eventually("the job is added", () => queues.add("push", job()).then(() => true));
    const [dead] = await eventually("it is a dead letter", async () => {
      const failed = await queues.failed("push", 10);
      return failed.length > 0 && failed;
    });
    expect(dead).toMatchObject({ attempts: 3, reason: "the service answers 500" });
    expect(attempts).toEqual([
      [1, false],
      [2, false],
      [3, true],
    ]);
  });

  test("a job that isn't a dead letter can't be retried", async () => {
    const queues = await open();
    const one = job();
    await add(queues, one);
    expect(await queues.retry(queue, one.id)).toBe(false);
    expect(await queues.retry(queue, randomUUID())).toBe(false);
  });

  test("a schedule created by many nodes runs once per interval", async () => {
    const nodes = [await open(), await open(), await open()];
    let handled = 0;
    const everyMs = 500;
    const startedAt = performance.now();
    for (const node of nodes) {
      await node.work(queue, {
        concurrency: 1,
        handle: async ({ name }) => {
          if (name === "auth.sweep") handled += 1;
        },
      });
      await eventually("it is scheduled", () => node.schedule(queue, "auth.sweep", everyMs).then(() => true));
    }
    await eventually("it was due four times", () => handled >= 4);
    expect(handled).toBeLessThanOrEqual((performance.now() - startedAt) / everyMs + 1);
  });

  test("a worker finishes its running job before it stops, and leaves the next one", async () => {
    const queues = await open();
    let began = 0;
    const { promise: gate, resolve: finish } = Promise.withResolvers<void>();
    const worker = await queues.work(queue, {
      concurrency: 1,
      handle: async () => {
        began += 1;
        await gate;
      },
    });
    await add(queues, job());
    await add(queues, job());
    await eventually("the first is in hand", () => began === 1);
    const closed = worker.close();
    finish();
    await closed;
    expect(began).toBe(1);
    expect(await queues.counts(queue)).toMatchObject({ completed: 1, waiting: 1, active: 0 });
  });

  test("a job of a killed worker moves to another one, repeatedly if necessary", async () => {
    const queues = await open();
    const { redisUrl = "", database: { url: databaseUrl = "" } = {} } = store.options();
    const one = job();
    await add(queues, one);
    await killGroup(await launch("../../durable/support/hanging-worker.ts", redisUrl, databaseUrl, queue));
    await killGroup(await launch("../../durable/support/hanging-worker.ts", redisUrl, databaseUrl, queue));
    const handled: string[] = [];
    await queues.work(queue, {
      concurrency: 1,
      handle: async ({ id, attempt }) => void handled.push(`${id} ${attempt}`),
    });
    await eventually("it is handled", () => handled.length > 0);
    expect(handled).toEqual([`${one.id} 1`]);
  });

  test("an id that BullMQ does not support is rejected", async () => {
    const queues = await open();
    await expect(queues.add(queue, { ...job(), id: "a:b" })).rejects.toThrow("Invalid job id");
    await expect(queues.add(queue, { ...job(), id: "42" })).rejects.toThrow("Invalid job id");
  });
});

test("on PostgreSQL two queues and their workers use at most ten connections, and none once closed", async () => {
  const database = await createTestDatabase();
  const queues = await openQueues({
    redisUrl: undefined,
    database: queueDatabase(database.url),
    log,
    random: systemRandom,
  });
  const connections = async () => {
    const [row] = await database.query<{ count: number }>(
      "SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    return row?.count ?? 0;
  };
  for (const queue of ["mail", "maintenance"]) {
    await queues.work(queue, { concurrency: 5, handle: async () => undefined });
    const jobs = Array.from({ length: 30 }, () => ({ id: randomUUID(), name: "greet", data: {} }));
    await Promise.all(jobs.map((one) => queues.add(queue, one)));
    await eventually("all are completed", async () => (await queues.counts(queue)).completed === jobs.length);
  }
  expect(await connections()).toBeLessThanOrEqual(10);
  await queues.close();
  await eventually("they are closed", async () => (await connections()) === 0);
  await database.drop();
});

function gaps(turns: ReadonlyArray<{ at: number }>): number[] {
  return turns.slice(1).map((turn, index) => turn.at - (turns[index] as { at: number }).at);
}
