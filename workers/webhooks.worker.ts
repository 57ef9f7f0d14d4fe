import type { ServiceSchema } from "moleculer";
import { DeadLetter, type Job, type Platform, Postpone } from "../lib/runtime/platform.ts";
import { worker } from "../mixins/worker.mixin.ts";
import { WebhookJob } from "../services/webhooks/webhooks.contract.ts";

/** More than for mails, because each message may wait ten seconds for a slow receiver. */
const CONCURRENCY = 50;

/** Processes the webhooks queue. A receiver that is slow or refuses messages delays only those of its tenant. */
export default function webhooksWorker(platform: Platform): ServiceSchema {
  return worker(platform, {
    name: "webhooks",
    queue: "webhooks",
    concurrency: CONCURRENCY,
    correlationOf: (job) => parseJob(job).correlation_id,
    async run(job, call) {
      const { id } = parseJob(job);
      const { outcome, error, retry_in_ms } = await call("webhooks.deliver", {
        id,
        run_id: job.id,
        is_last_attempt: job.isLastAttempt,
      });
      if (outcome === "postponed") throw new Postpone(retry_in_ms ?? 0);
      if (outcome === "failed") throw new Error(error ?? "failed");
    },
  });
}

function parseJob({ data }: Job): WebhookJob {
  const job = WebhookJob.safeParse(data);
  if (!job.success) throw new DeadLetter("Not a webhook job");
  return job.data;
}
