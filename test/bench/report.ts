import { readFile, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, totalmem } from "node:os";
import { z } from "zod";
import { type Line, table } from "./table.ts";

const ReportLine = z.object({
  what: z.string(),
  ours: z.string(),
  limit: z.string(),
  ratio: z.number().exactOptional(),
  goal: z.string(),
  met: z.boolean(),
});
const Report = z.object({ lines: z.array(ReportLine) });

/** The lines of a report that `writeReport` has written. */
export async function readReport(path: string): Promise<readonly Line[]> {
  return Report.parse(JSON.parse(await readFile(path, "utf8"))).lines;
}

export async function writeReport(path: string, lines: readonly Line[]): Promise<void> {
  const machine = {
    cpu: cpus()[0]?.model ?? "",
    cores: availableParallelism(),
    memory_gb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
  };
  await writeFile(path, `${JSON.stringify({ at: new Date().toISOString(), machine, lines }, null, 2)}\n`);
}

/** Lines whose ratio is below its floor. Absolute figures are not checked, because they depend on the machine. */
export function belowFloor(lines: readonly Line[]): readonly Line[] {
  return lines.filter(({ ratio, floor }) => ratio !== undefined && floor !== undefined && ratio < floor);
}

export function printLines(lines: readonly Line[], before?: readonly Line[]): void {
  process.stdout.write(`\n${table(lines, before)}\n`);
}
