import type { Memory } from "./children.ts";
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

/** Limits in megabytes. `unshared` limits the memory that a process does not share, unlike the code of Node.js. */
export function measureMemory(
  what: string,
  { residentMegabytes, privateMegabytes }: Memory,
  { resident, unshared }: { readonly resident: number; readonly unshared?: number },
): Line {
  return {
    what,
    ours: `${Math.round(residentMegabytes)} MB, ${Math.round(privateMegabytes)} private`,
    limit: "",
    goal: `<= ${resident} MB${unshared === undefined ? "" : `, ${unshared} private`}`,
    met: residentMegabytes <= resident && (unshared === undefined || privateMegabytes <= unshared),
  };
}
