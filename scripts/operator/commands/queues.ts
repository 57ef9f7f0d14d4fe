import { queueNames } from "../../../lib/runtime/platform.ts";
import { counted } from "../../run/terminal.ts";
import { shortTime } from "../accounts.ts";
import { type CommandDefinition, type CommandGroup, toJson } from "../define-command.ts";
import type { Operator } from "../operator.ts";

const MAX_LISTED = 100;

export const queues: CommandDefinition = {
  usage: "queues",
  summary: "jobs of each queue by state; failed ones are the dead letters",
  async run({ call }) {
    const data = await call("admin.queues", {});
    const rows = data.map(({ name, counts }) => ({
      queue: name,
      ...(counts
        ? { waiting: counts.waiting, active: counts.active, delayed: counts.delayed, failed: counts.failed }
        : { waiting: "unavailable", active: "", delayed: "", failed: "" }),
    }));
    return { rows, none: "There are no queues.", data };
  },
};

async function listFailed({ call }: Operator, queue: string) {
  const { items } = await call("admin.failedJobs", { name: queue, limit: MAX_LISTED });
  return items.map((item) => ({ queue, ...item }));
}

export const dead: CommandGroup = {
  name: "dead",
  summary: `see, retry and drop dead letters; queues are ${queueNames.join(", ")}`,
  commands: [
    {
      usage: "list [queue]",
      summary: "dead letters of one queue or of all, the newest first",
      async run(operator, [queue]) {
        const names = queue === undefined ? queueNames : [queue];
        const data = (await Promise.all(names.map((name) => listFailed(operator, name)))).flat();
        const rows = data.map((item) => ({
          queue: item.queue,
          failed: shortTime(item.failed_at),
          reason: item.reason,
          id: item.id,
        }));
        return { rows, none: "There are no dead letters.", whole: ["id"], data };
      },
    },
    {
      usage: "show <queue> <id>",
      summary: "one dead letter with its data and the reason",
      async run(operator, [queue = "", id]) {
        const found = (await listFailed(operator, queue)).find((item) => item.id === id);
        if (!found) throw new Error(`Among the newest ${MAX_LISTED} dead letters of ${queue} is none with this id.`);
        const { data, ...rest } = found;
        return { record: { ...rest, data: toJson(data).replace(/\s+/g, " ") }, data: found };
      },
    },
    {
      usage: "retry <queue> [id]",
      summary: "retry one dead letter, or up to 100 of the newest",
      async run({ call }, [name = "", id]) {
        const data = await call("admin.retryJobs", { name, ...(id !== undefined && { id }) });
        return { message: `Retrying ${counted(data.retried, "dead letter")}.`, data };
      },
    },
    {
      usage: "drop <queue> <id>",
      summary: "delete one dead letter",
      async run({ call }, [name = "", job = ""]) {
        const data = await call("admin.dropJob", { name, job });
        return { message: `The dead letter ${job} is deleted.`, data };
      },
    },
  ],
};
