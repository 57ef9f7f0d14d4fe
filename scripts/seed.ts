import { rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Config, readConfig } from "../lib/config/config.ts";
import { createLog } from "../lib/observability/log.ts";
import { systemClock, systemTimers } from "../lib/runtime/clock.ts";
import { checkpointPath, importFile } from "./import/import-file.ts";
import { privateDir } from "./local-servers/secrets.ts";
import { exitCodes, runCommand, UsageError } from "./run/command.ts";
import { connectToMesh } from "./run/mesh-connection.ts";
import { print } from "./run/terminal.ts";
import { DEMO_PASSWORD, writePeople } from "./seed/write-people.ts";

const help = `Fills an installation with believable people, for demonstrations and tests.

  npm run seed -- 1000 [--seed 1] [--file people.ndjson]

  --seed <number>   another number, other people; the same number, the same people (default 1)
  --file <file>     only writes them down, for \`npm run import\`

All have the password ${DEMO_PASSWORD} and addresses of example.com. Some are premium, private, disabled or not verified.
Who is there already stays as he is. Not where NODE_ENV is production.

Exit codes: 0 done, 130 interrupted, 1 failed, 2 wrong arguments.`;

interface SeedArguments {
  readonly count: number;
  readonly seed: number;
  readonly file: string | undefined;
}

function parseArguments(args: string[]): SeedArguments {
  const options = { seed: { type: "string", default: "1" }, file: { type: "string" } } as const;
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
  const [count = "", ...more] = positionals;
  if (!/^[1-9]\d{0,7}$/.test(count) || more.length > 0) throw new UsageError("Say how many people, as in: 1000.");
  if (!/^\d{1,9}$/.test(values.seed)) throw new UsageError("--seed must be a whole number.");
  return { count: Number(count), seed: Number(values.seed), file: values.file };
}

async function seed(stack: AsyncDisposableStack, signal: AbortSignal): Promise<number> {
  const wanted = parseArguments(process.argv.slice(2));
  const env = { ...process.env, LOG_LEVEL: process.env.LOG_LEVEL ?? "error" };
  const config = readConfig(env);
  if (config.production) throw new Error("NODE_ENV is production: people that don't exist have no place there.");
  const crowd = { ...wanted, hashCost: config.auth.passwordHash.cost };
  if (wanted.file !== undefined) {
    await writePeople(wanted.file, crowd);
    print(`${wanted.count} people are in ${wanted.file}. All have the password ${DEMO_PASSWORD}`);
    return exitCodes.done;
  }
  const { call } = await connectToMesh({ env, log: createLog(config.log), print: print, caller: "import" }, stack);
  const file = await temporaryFile(config, stack);
  await writePeople(file, crowd);
  const parts = { call, clock: systemClock, timers: systemTimers, signal, out: process.stderr };
  const { imported, refused, finished } = await importFile({ file, report: `${file}.refused`, ...parts });
  if (!finished) return exitCodes.interrupted;
  print(`${imported} people came in${refused > 0 ? `, ${refused} were there already` : ""}.`);
  print(`All have the password ${DEMO_PASSWORD}. Their addresses are in GET /api/v1/admin/users.`);
  return exitCodes.done;
}

async function temporaryFile({ dataDir }: Config, stack: AsyncDisposableStack): Promise<string> {
  const file = join(await privateDir(dataDir), `seed-${process.pid}.ndjson`);
  for (const path of [file, `${file}.refused`, checkpointPath(file)]) stack.defer(() => rm(path, { force: true }));
  return file;
}

await runCommand({ help, run: seed });
