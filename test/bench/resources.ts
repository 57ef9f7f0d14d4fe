import { startOneProcess } from "./embedded.ts";
import type { Line } from "./table.ts";

/** The second start: the first one makes the database. */
export async function measureStart(dir: string, env: Readonly<Record<string, string>>): Promise<Line> {
  const first = await startOneProcess({ ...env, DATA_DIR: dir });
  await first.stop();
  const second = await startOneProcess({ ...env, DATA_DIR: dir });
  await second.stop();
  return {
    what: "start to ready, one process, warm",
    ours: `${(second.startMs / 1_000).toFixed(1)} s`,
    limit: "",
    goal: "<= 5 s",
    met: second.startMs <= 5_000,
  };
}

/** Right after the load. */
export function measureMemory(what: string, megabytes: number, most: number): Line {
  const ours = `${Math.round(megabytes)} MB`;
  return { what, ours, limit: "", goal: `<= ${most} MB`, met: megabytes <= most };
}
