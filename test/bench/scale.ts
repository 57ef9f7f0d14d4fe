import { rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import pino from "pino";
import { startPostgres } from "../../scripts/local-servers/postgres.ts";
import { runCommand, UsageError } from "../../scripts/run/command.ts";
import { print } from "../../scripts/run/terminal.ts";
import { fill } from "./scale-fill.ts";
import { type Measured, operations } from "./scale-operations.ts";
import { measurePages, pageTable } from "./scale-pages.ts";
import { admin, databaseOf, type ScaledSystem, startScaled } from "./scale-system.ts";
import { median } from "./table.ts";

const help = `What a request costs among 1,000, 100,000 and 1,000,000 accounts, side by side.

  npm run bench:scale -- --dir /tmp/scale [--sizes 1000,100000,1000000] [--rounds 200]
  npm run bench:scale -- --dir /tmp/scale --sizes 1000000 --pages [--rounds 10]

  --dir <folder>   where the databases are made, and kept for the next run: some 6 GB for the million
  --pages          measures the pages in Chromium instead, among the last of the sizes`;

interface Wanted {
  readonly dir: string;
  readonly sizes: readonly number[];
  readonly rounds: number;
  readonly pages: boolean;
}

function argumentsOf(args: string[]): Wanted {
  const { values } = parseArgs({
    args,
    options: {
      dir: { type: "string" },
      sizes: { type: "string", default: "1000,100000,1000000" },
      rounds: { type: "string" },
      pages: { type: "boolean", default: false },
    },
  });
  if (values.dir === undefined) throw new UsageError("--dir says where the databases are to be.");
  const { dir, sizes, pages, rounds = pages ? "10" : "200" } = values;
  return { dir, sizes: sizes.split(",").map(Number), rounds: Number(rounds), pages };
}

const WARM_UP = 20;

/** One request after another, each of all systems in turn: what else the machine does is the same for all of them. */
async function measure(systems: readonly ScaledSystem[], rounds: number): Promise<Measured[]> {
  const times = operations.map(() => systems.map((): number[] => []));
  for (let round = -WARM_UP; round < rounds; round += 1) {
    for (const [row, { run }] of operations.entries()) {
      for (const [column, system] of systems.entries()) {
        const began = performance.now();
        await run(system, round + WARM_UP);
        if (round >= 0) times[row]?.[column]?.push(performance.now() - began);
      }
    }
  }
  return operations.map((operation, row) => ({ operation, medians: (times[row] ?? []).map(median) }));
}

function tableOf(sizes: readonly number[], measured: readonly Measured[]): string {
  const cells = (name: string, columns: readonly string[]) =>
    name.padEnd(42) + columns.map((text) => text.padStart(12)).join("");
  const head = cells("median ms among accounts", [
    ...sizes.map((size) => size.toLocaleString("en")),
    "last/first",
    "goal",
  ]);
  const rows = measured.map(({ operation: { name, goal }, medians }) => {
    const ratio = (medians.at(-1) ?? Number.NaN) / (medians[0] ?? Number.NaN);
    return cells(name, [...medians.map((ms) => ms.toFixed(2)), ratio.toFixed(2), goal]);
  });
  return [head, ...rows].join("\n");
}

async function bench(stack: AsyncDisposableStack): Promise<number> {
  const { dir, sizes, rounds, pages } = argumentsOf(process.argv.slice(2));
  const postgres = await startPostgres({ dataDir: join(dir, "postgres"), log: pino({ level: "error" }) });
  stack.defer(postgres.stop);
  stack.defer(() => rm(join(dir, "people.ndjson"), { force: true }));
  for (const size of sizes) await fill(await databaseOf(postgres.url, size), { dir, size, say: print });
  if (pages) {
    const size = sizes.at(-1) ?? 0;
    const { url, stop } = await startScaled(await databaseOf(postgres.url, size), size, { RATE_LIMIT_ENABLED: "true" });
    stack.defer(stop);
    print(`\nAmong ${size.toLocaleString("en")} accounts\n${pageTable(await measurePages({ url, admin }, rounds))}`);
    return 0;
  }
  const systems: ScaledSystem[] = [];
  for (const size of sizes) {
    const system = await startScaled(await databaseOf(postgres.url, size), size);
    stack.defer(system.stop);
    systems.push(system);
  }
  print(`\n${tableOf(sizes, await measure(systems, rounds))}`);
  return 0;
}

await runCommand({ help, run: bench });
