import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import pino from "pino";
import { openQueues } from "../../../lib/queues/queues.ts";
import { systemRandom } from "../../../lib/runtime/clock.ts";
import type { Job, Queues } from "../../../lib/runtime/platform.ts";
import { findFreePort } from "../../../scripts/local-servers/ports.ts";
import { type EmbeddedRedis, startRedis } from "../../../scripts/local-servers/redis.ts";
import { eventually } from "../../support/eventually.ts";
import { removeDir, scratchDir } from "../local-servers/support/scratch.ts";

const log = pino({ level: "silent" });
const queue = "mail";
const job = (): Job => ({ id: randomUUID(), name: "greet", data: {} });

let dir: string;
let port: number;
let redis: EmbeddedRedis | undefined;
let queues: Queues;

const startStore = async (): Promise<void> => {
  redis = await startRedis({ dir, log, port, password: "secret", appendfsync: "always" });
};

const stopStore = async (): Promise<void> => {
  await redis?.stop();
  redis = undefined;
};

const add = (one: Job) => eventually("the job is added", () => queues.add(queue, one).then(() => true));

beforeEach(async () => {
  dir = await scratchDir();
  port = await findFreePort();
  queues = await openQueues({
    redisUrl: `redis://:secret@127.0.0.1:${port}`,
    database: undefined,
    log,
    random: systemRandom,
  });
});

afterEach(async () => {
  await queues.close();
  await stopStore();
  await removeDir(dir);
});

test("adding a job fails immediately while Redis is down, and works as soon as it is back", async () => {
  await startStore();
  await add(job());
  await stopStore();
  await eventually("it is noticed", () =>
    queues.add(queue, job()).then(
      () => false,
      () => true,
    ),
  );
  const before = performance.now();
  await expect(queues.add(queue, job())).rejects.toThrow();
  expect(performance.now() - before).toBeLessThan(2_000);
  await startStore();
  await add(job());
});

test("a worker that started before Redis handles jobs added later", async () => {
  const handled: string[] = [];
  await queues.work(queue, { concurrency: 1, handle: async ({ id }) => void handled.push(id) });
  await expect(queues.add(queue, job())).rejects.toThrow();
  await startStore();
  const one = job();
  await add(one);
  await eventually("it is handled", () => handled.includes(one.id));
});

test("a worker resumes after a restart of Redis, and no job is lost", async () => {
  await startStore();
  const handled = new Set<string>();
  await queues.work(queue, { concurrency: 2, handle: async ({ id }) => void handled.add(id) });
  const [early, late] = [job(), job()];
  await add(early);
  await eventually("the early one is handled", () => handled.has(early.id));
  await stopStore();
  await startStore();
  await add(late);
  await eventually("the late one is handled", () => handled.has(late.id));
});

test("closing does not hang while Redis is down", async () => {
  await startStore();
  await queues.work(queue, { concurrency: 1, handle: async () => undefined });
  await add(job());
  await stopStore();
  const before = performance.now();
  await queues.close();
  expect(performance.now() - before).toBeLessThan(10_000);
});
