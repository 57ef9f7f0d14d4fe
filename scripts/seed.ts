import { rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Config, readConfig } from "../lib/config/config.ts";
import { createLog } from "../lib/observability/log.ts";
import { systemClock, systemTimers } from "../lib/runtime/clock.ts";
import { checkpointPath, importFile } from "./import/import-file.ts";
import { privateDir } from "./local-servers/secrets.ts";
import { createProgressPrinter, exitCodes, runCommand, UsageError } from "./run/command.ts";
import { connectToMesh } from "./run/mesh-connection.ts";
import { counted, print } from "./run/terminal.ts";
import { DEMO_PASSWORD, writePeople } from "./seed/write-people.ts";

const help = `Creates realistic demonstration accounts.

  npm run seed -- 1000 [--seed 1] [--file people.ndjson]

  --seed <number>   seed of the random generator (default 1); the same seed
                    creates the same people
  --file <file>     only write them to a file for \`npm run import\`

All have the password ${DEMO_PASSWORD} and an address at example.com. Some are
premium, private, disabled or not verified. Existing accounts are not changed.
Refuses to run if NODE_ENV is production.

Exit codes: 0 done, 130 interrupted, 1 failed, 2 invalid arguments.`;

interface SeedArguments {
  readonly count: number;
  readonly seed: number;
  readonly file: string | undefined;
}

function parseArguments(args: string[]): SeedArguments {
  const options = { seed: { type: "string", default: "1" }, file: { type: "string" } } as const;
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
  const [count = "", ...more] = positionals;
  if (!/^[1-9]\d{0,7}$/.test(count) || more.length > 0)
    throw new UsageError("Pass the number of accounts, for example 1000.");
  if (!/^\d{1,9}$/.test(values.seed)) throw new UsageError("--seed must be a whole number.");
  return { count: Number(count), seed: Number(values.seed), file: values.file };
}

async function seed(stack: AsyncDisposableStack, signal: AbortSignal): Promise<number> {
  const args = parseArguments(process.argv.slice(2));
  const env = { ...process.env, LOG_LEVEL: process.env.LOG_LEVEL ?? "error" };
  const config = readConfig(env);
  if (config.production) throw new Error("NODE_ENV is production: demonstration accounts are not created there.");
  const people = { ...args, hashCost: config.auth.passwordHash.cost };
  if (args.file !== undefined) {
    await writePeople(args.file, people);
    print(`Wrote ${counted(args.count, "account")} to ${args.file}. All have the password ${DEMO_PASSWORD}`);
    return exitCodes.done;
  }
  const { call } = await connectToMesh({ env, log: createLog(config.log), print: print, caller: "import" }, stack);
  const file = await temporaryFile(config, stack);
  await writePeople(file, people);
  const parts = { call, clock: systemClock, timers: systemTimers, signal, onProgress: createProgressPrinter() };
  const { imported, refused, finished } = await importFile({ file, report: `${file}.refused`, ...parts });
  if (!finished) return exitCodes.interrupted;
  print(
    `Created ${counted(imported, "account")}${refused > 0 ? `; ${refused} ${refused === 1 ? "exists" : "exist"} already` : ""}.`,
  );
  print(`All have the password ${DEMO_PASSWORD}. GET /api/v1/admin/users lists their addresses.`);
  return exitCodes.done;
}

async function temporaryFile({ dataDir }: Config, stack: AsyncDisposableStack): Promise<string> {
  const file = join(await privateDir(dataDir), `seed-${process.pid}.ndjson`);
  for (const path of [file, `${file}.refused`, checkpointPath(file)]) stack.defer(() => rm(path, { force: true }));
  return file;
}

await runCommand({ help, run: seed });
