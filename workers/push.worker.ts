import type { ServiceSchema } from "moleculer";
import { DeadLetter, type Job, type Platform } from "../lib/runtime/platform.ts";
import { worker } from "../mixins/worker.mixin.ts";
import { PushJob } from "../services/mail/push/push.contract.ts";

/** Processes the push queue, one push at a time. */
export default function pushWorker(platform: Platform): ServiceSchema {
  return worker(platform, {
    name: "push",
    queue: "push",
    concurrency: 1,
    correlationOf: (job) => read(job).correlation_id,
    run: async (job, call) => void (await call("mail.sendPush", { id: read(job).id })),
  });
}

function read({ data }: Job): PushJob {
  const job = PushJob.safeParse(data);
  if (!job.success) throw new DeadLetter("Not a push job");
  return job.data;
}
