import type { ServiceSchema } from "moleculer";
import { DeadLetter, type Job, type Platform } from "../lib/runtime/platform.ts";
import { worker } from "../mixins/worker.mixin.ts";
import { PushJob } from "../services/mail/push/push.contract.ts";

/**
 * Processes the push queue. Each worker sends one push at a time, as `docs/integration.md` tells those who run the push
 * service.
 */
export default function pushWorker(platform: Platform): ServiceSchema {
  return worker(platform, {
    name: "push",
    queue: "push",
    concurrency: 1,
    correlationOf: (job) => parseJob(job).correlation_id,
    run: async (job, call) => void (await call("mail.sendPush", { id: parseJob(job).id })),
  });
}

function parseJob({ data }: Job): PushJob {
  const job = PushJob.safeParse(data);
  if (!job.success) throw new DeadLetter("Not a push job");
  return job.data;
}
