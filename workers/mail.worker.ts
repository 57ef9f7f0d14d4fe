import type { ServiceSchema } from "moleculer";
import { DeadLetter, type Job, type Platform } from "../lib/runtime/platform.ts";
import { worker } from "../mixins/worker.mixin.ts";
import { MailJob } from "../services/mail/mail.contract.ts";

const CONCURRENCY = 5;

/** Processes the mail queue, which is paused while the SMTP server is unavailable. */
export default function mailWorker(platform: Platform): ServiceSchema {
  return worker(platform, {
    name: "mail",
    queue: "mail",
    concurrency: CONCURRENCY,
    correlationOf: (job) => parseJob(job).correlation_id,
    run: async (job, call) => void (await call("mail.send", parseJob(job))),
  });
}

function parseJob({ data }: Job): MailJob {
  const job = MailJob.safeParse(data);
  if (!job.success) throw new DeadLetter("Not a mail job");
  return job.data;
}
