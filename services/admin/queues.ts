import { AppError } from "../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../lib/actions/typed-call.ts";
import { type Queues, queueNames } from "../../lib/runtime/platform.ts";

type Queue = Actions["admin.queues"]["result"][number];
type FailedJobs = Actions["admin.failedJobs"]["result"];
type Named = { readonly name: string };

/** Notes the act before it is done: what can't be logged is not done. */
type Note = (act: "dead_letters.retried" | "dead_letters.dropped", details: Record<string, string>) => Promise<void>;

const MOST = 100;

export function listQueues(queues: Queues): Promise<Queue[]> {
  return Promise.all(queueNames.map(async (name) => ({ name, counts: await queues.counts(name).catch(() => null) })));
}

export async function failedJobs(
  queues: Queues,
  { params }: ActionContext<Named & { readonly limit: number }>,
): Promise<FailedJobs> {
  const { limit } = params;
  const name = known(params.name);
  const [found, counts] = await reached(() => Promise.all([queues.failed(name, limit), queues.counts(name)]));
  const items = found as FailedJobs["items"];
  return { items, total: counts.failed ?? items.length, page: null, limit, next_cursor: null };
}

export async function retryJobs(
  queues: Queues,
  { params }: ActionContext<Named & { readonly id?: string | undefined }>,
  note: Note,
): Promise<{ retried: number }> {
  const name = known(params.name);
  await note("dead_letters.retried", { queue: name, job: params.id ?? "all" });
  if (params.id !== undefined) {
    if (!(await reached(() => queues.retry(name, params.id as string)))) throw new AppError("not_found");
    return { retried: 1 };
  }
  const jobs = await reached(() => queues.failed(name, MOST));
  const retried = await reached(() => Promise.all(jobs.map((job) => queues.retry(name, job.id))));
  return { retried: retried.filter(Boolean).length };
}

export async function dropJob(
  queues: Queues,
  { params }: ActionContext<Named & { readonly job: string }>,
  note: Note,
): Promise<Record<string, never>> {
  const name = known(params.name);
  await note("dead_letters.dropped", { queue: name, job: params.job });
  if (!(await reached(() => queues.drop(name, params.job)))) throw new AppError("not_found");
  return {};
}

function known(name: string): string {
  if (!queueNames.some((one) => one === name)) throw new AppError("not_found");
  return name;
}

async function reached<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new AppError("service_unavailable", { retry_after: 1, cause });
  }
}
