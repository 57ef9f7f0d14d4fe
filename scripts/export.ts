import { parseArgs } from "node:util";
import { isError } from "../lib/actions/errors.ts";
import { type Config, readConfig } from "../lib/config/config.ts";
import { createLog } from "../lib/observability/log.ts";
import { createPlatform } from "../lib/runtime/create-platform.ts";
import { type HashReader, openHashReader } from "../services/auth/transfer/export-hashes.ts";
import { exportFile } from "./export/export-file.ts";
import { createProgressPrinter, exitCodes, runCommand, UsageError } from "./run/command.ts";
import { connectToMesh } from "./run/mesh-connection.ts";
import { counted, print } from "./run/terminal.ts";

const help = `Writes accounts to an NDJSON file for \`npm run import\`.

  npm run export -- [--tenant acme] [--password-hashes] users.ndjson

  --tenant <slug>     export one tenant (default: all)
  --password-hashes   include password hashes, so that users can sign in to the
                      other installation with their passwords. Keep the file
                      secret. Needs DATABASE_URL and SECRET_KEY, or the embedded
                      database

Profiles are not encrypted. The file has mode 0600; an existing file is not
overwritten. Roles, sessions, avatars, linked providers and deleted accounts are
not exported.

Joins a mesh or starts the services, as \`npm run import\` does.

Exit codes: 0 done, 130 interrupted, 1 failed, 2 invalid arguments.`;

interface ExportArguments {
  readonly file: string;
  readonly tenant: string | undefined;
  readonly withHashes: boolean;
}

function parseArguments(args: string[]): ExportArguments {
  const options = { tenant: { type: "string" }, "password-hashes": { type: "boolean", default: false } } as const;
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw new UsageError("Name the file to write.");
  return { file, tenant: values.tenant, withHashes: values["password-hashes"] };
}

async function runExport(stack: AsyncDisposableStack, signal: AbortSignal): Promise<number> {
  const { file, tenant, withHashes } = parseArguments(process.argv.slice(2));
  const env = { ...process.env, LOG_LEVEL: process.env.LOG_LEVEL ?? "error" };
  const log = createLog(readConfig(env).log);
  const { call, config } = await connectToMesh({ env, log, print: print, caller: "export" }, stack);
  const hashes = withHashes ? await openHashes(config, log, stack) : undefined;
  try {
    const count = await exportFile({ file, tenant, call, hashes, signal, onProgress: createProgressPrinter() });
    print(`Exported ${counted(count, "account")} to ${file}.`);
    return exitCodes.done;
  } catch (error) {
    if (signal.aborted) return exitCodes.interrupted;
    if (tenant !== undefined && isTenantUnknown(error)) throw new Error(`There is no tenant ${tenant}.`);
    throw error;
  }
}

function isTenantUnknown(error: unknown): boolean {
  return isError(error, "validation_failed") && error.data.errors?.some(({ field }) => field === "tenant") === true;
}

async function openHashes(
  config: Config,
  log: ReturnType<typeof createLog>,
  stack: AsyncDisposableStack,
): Promise<HashReader> {
  if (config.database.url === undefined || config.secretKey === undefined)
    throw new Error(
      "Password hashes are never sent over NATS. Set DATABASE_URL and SECRET_KEY, or stop the mesh and repeat this.",
    );
  const platform = await createPlatform(config, { log, services: ["auth"] });
  stack.defer(platform.close);
  const reader = await openHashReader(platform);
  stack.defer(reader.close);
  return reader;
}

await runCommand({ help, run: runExport });
