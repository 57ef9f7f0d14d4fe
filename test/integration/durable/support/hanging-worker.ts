import pino from "pino";
import { openQueues } from "../../../../lib/queues/queues.ts";
import { systemRandom } from "../../../../lib/runtime/clock.ts";

/** A worker in its own process, so that a test can kill it while it runs a job. Prints a line of JSON when it starts one. */
const [redisUrl = "", databaseUrl = "", queue = ""] = process.argv.slice(2);
const queues = await openQueues({
  redisUrl: redisUrl === "" ? undefined : redisUrl,
  database: databaseUrl === "" ? undefined : { url: databaseUrl, ssl: false, schema: "jobs" },
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
