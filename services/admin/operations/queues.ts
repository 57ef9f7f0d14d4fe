import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { type Queues, queueNames } from "../../../lib/runtime/platform.ts";

type Queue = Actions["admin.queues"]["result"][number];
type FailedJobs = Actions["admin.failedJobs"]["result"];
type QueueParams = { readonly name: string };

/** Called before the operation, so that nothing is done that can't be recorded. */
type RecordOperation = (
  action: "dead_letters.retried" | "dead_letters.dropped",
  details: Record<string, string>,
) => Promise<void>;

const MAX_RETRIED = 100;

export function listQueues(queues: Queues): Promise<Queue[]> {
  return Promise.all(queueNames.map(async (name) => ({ name, counts: await queues.counts(name).catch(() => null) })));
}

export async function failedJobs(
  queues: Queues,
  { params }: ActionContext<QueueParams & { readonly limit: number }>,
): Promise<FailedJobs> {
  const { limit } = params;
  const name = requireQueue(params.name);
  const [found, counts] = await withQueueErrors(() => Promise.all([queues.failed(name, limit), queues.counts(name)]));
  const items = found as FailedJobs["items"];
  return { items, total: counts.failed ?? items.length, page: null, limit, next_cursor: null };
}

export async function retryJobs(
  queues: Queues,
  { params }: ActionContext<QueueParams & { readonly id?: string | undefined }>,
  record: RecordOperation,
): Promise<{ retried: number }> {
  const name = requireQueue(params.name);
  const { id } = params;
  await record("dead_letters.retried", { queue: name, job: id ?? "all" });
  if (id !== undefined) {
    if (!(await withQueueErrors(() => queues.retry(name, id)))) throw new AppError("not_found");
    return { retried: 1 };
  }
  const jobs = await withQueueErrors(() => queues.failed(name, MAX_RETRIED));
  const retried = await withQueueErrors(() => Promise.all(jobs.map((job) => queues.retry(name, job.id))));
  return { retried: retried.filter(Boolean).length };
}

export async function dropJob(
  queues: Queues,
  { params }: ActionContext<QueueParams & { readonly job: string }>,
  record: RecordOperation,
): Promise<Record<string, never>> {
  const name = requireQueue(params.name);
  await record("dead_letters.dropped", { queue: name, job: params.job });
  if (!(await withQueueErrors(() => queues.remove(name, params.job)))) throw new AppError("not_found");
  return {};
}

function requireQueue(name: string): string {
  if (!queueNames.some((known) => known === name)) throw new AppError("not_found");
  return name;
}

async function withQueueErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new AppError("service_unavailable", { retry_after: 1, cause });
  }
}
