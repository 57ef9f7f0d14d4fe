import { parseArgs } from "node:util";
import { type Config, readConfig } from "../lib/config/config.ts";
import { createLog } from "../lib/observability/log.ts";
import { createPlatform } from "../lib/runtime/create-platform.ts";
import { type HashReader, openHashReader } from "../services/auth/transfer/export-hashes.ts";
import { exportFile } from "./export/export-file.ts";
import { exitCodes, runCommand, UsageError } from "./run/command.ts";
import { connectToMesh } from "./run/mesh-connection.ts";
import { print } from "./run/terminal.ts";

const help = `Writes accounts into a file of NDJSON that \`npm run import\` takes.

  npm run export -- [--tenant acme] [--password-hashes] users.ndjson

  --tenant <slug>     the accounts of one tenant; else of all
  --password-hashes   with the hashes of passwords, which is what a thief wants most: where the accounts are to sign in
                      elsewhere as they do here. Takes DATABASE_URL and SECRET_KEY, or the embedded database

Profiles are in clear. The file is made with mode 0600, an existing one is not touched. Roles, sessions, pictures and
linked providers are not in it, nor are accounts that wait for their erasure.

It joins a mesh or starts what it needs, as \`npm run import\` does.

Exit codes: 0 done, 130 interrupted, 1 failed, 2 wrong arguments.`;

interface ExportArguments {
  readonly file: string;
  readonly tenant: string | undefined;
  readonly withHashes: boolean;
}

function parseArguments(args: string[]): ExportArguments {
  const options = { tenant: { type: "string" }, "password-hashes": { type: "boolean", default: false } } as const;
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw new UsageError("Name one file to write.");
  return { file, tenant: values.tenant, withHashes: values["password-hashes"] };
}

const PROGRESS_EVERY = 50_000;

async function runExport(stack: AsyncDisposableStack, signal: AbortSignal): Promise<number> {
  const { file, tenant, withHashes } = parseArguments(process.argv.slice(2));
  const env = { ...process.env, LOG_LEVEL: process.env.LOG_LEVEL ?? "error" };
  const log = createLog(readConfig(env).log);
  const { call, config } = await connectToMesh({ env, log, print: print, caller: "export" }, stack);
  const hashes = withHashes ? await openHashes(config, log, stack) : undefined;
  let told = 0;
  const onProgress = (count: number) => {
    if (count - told < PROGRESS_EVERY) return;
    told = count;
    process.stderr.write(`${count.toLocaleString("en")} accounts\n`);
  };
  try {
    print(`${await exportFile({ file, tenant, call, hashes, signal, onProgress })} accounts are in ${file}.`);
    return exitCodes.done;
  } catch (error) {
    if (signal.aborted) return exitCodes.interrupted;
    throw error;
  }
}

async function openHashes(
  config: Config,
  log: ReturnType<typeof createLog>,
  stack: AsyncDisposableStack,
): Promise<HashReader> {
  if (config.database.url === undefined || config.secretKey === undefined)
    throw new Error(
      "Password hashes are not told over the bus: set DATABASE_URL and SECRET_KEY, or stop the mesh and do this again.",
    );
  const platform = await createPlatform(config, { log, services: ["auth"] });
  stack.defer(platform.close);
  const reader = await openHashReader(platform);
  stack.defer(reader.close);
  return reader;
}

await runCommand({ help, run: runExport });
