import pino from "pino";
import { openQueues } from "../../../../lib/queues/queues.ts";
import { systemRandom } from "../../../../lib/runtime/clock.ts";

/** A worker of its own process, so that a test can kill it with a job in hand: prints one line of JSON when it has one. */
const [redisUrl = "", databaseUrl = "", queue = ""] = process.argv.slice(2);
const queues = await openQueues({
  redisUrl: redisUrl === "" ? undefined : redisUrl,
  databaseUrl,
  log: pino({ level: "silent" }),
  random: systemRandom,
});
await queues.work(queue, {
  concurrency: 1,
  handle: async ({ id }) => {
    console.log(JSON.stringify({ id }));
    await new Promise(() => undefined);
  },
});
