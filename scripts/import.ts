import { access, constants } from "node:fs/promises";
import { parseArgs } from "node:util";
import { readConfig } from "../lib/config/config.ts";
import { createLog } from "../lib/observability/log.ts";
import { systemClock, systemTimers } from "../lib/runtime/clock.ts";
import { checkpointPath, type ImportResult, importFile } from "./import/import-file.ts";
import { exitCodes, runCommand, UsageError } from "./run/command.ts";
import { connectToMesh } from "./run/mesh-connection.ts";
import { print } from "./run/terminal.ts";

const help = `Brings accounts in from a file of NDJSON, one account on a line.

  npm run import -- users.ndjson [--report refused.ndjson]

  --report <file>   where the lines that are left out are told: line, code, message
                    (default: <users.ndjson>.refused.ndjson)

A line has email, and may have tenant (a slug; else "default"), username, full_name, current_title, company, location,
bio, push_token, is_active, is_verified, created_at, last_login_at, subscription {plan, expires_at}, profile {…} and
preferences {…} with the fields of the API, and password_hash: bcrypt, Django's pbkdf2_sha256 or argon2. Who has none
resets the password. Nobody is sent a mail, and nobody gets a role.

Interrupted by Ctrl-C, kill -9 or a power cut, the same command goes on where it was, and brings nobody in twice;
<users.ndjson>.progress knows where that is.

It joins the mesh of NATS_URL, or the one of \`npm run mesh\`. Else it starts what it needs, over DATABASE_URL or the
embedded database; \`npm start\` must not run on that meanwhile.

Exit codes: 0 all came in, 3 some lines were left out, 130 interrupted, 1 failed, 2 wrong arguments.`;

function parseArguments(args: string[]): { readonly file: string; readonly report: string } {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { report: { type: "string" } } });
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw new UsageError("Name one file to import.");
  return { file, report: values.report ?? `${file}.refused.ndjson` };
}

async function runImport(stack: AsyncDisposableStack, signal: AbortSignal): Promise<number> {
  const { file, report } = parseArguments(process.argv.slice(2));
  await access(file, constants.R_OK);
  const env = { ...process.env, LOG_LEVEL: process.env.LOG_LEVEL ?? "error" };
  const log = createLog(readConfig(env).log);
  const { call } = await connectToMesh({ env, log, print: print, caller: "import" }, stack);
  const parts = { call, clock: systemClock, timers: systemTimers, signal, out: process.stderr };
  return printResult(await importFile({ file, report, ...parts }), file, report);
}

function printResult({ imported, refused, finished }: ImportResult, file: string, report: string): number {
  const counts = `${imported} accounts are in, ${refused} lines were left out${refused > 0 ? `: see ${report}` : ""}.`;
  if (!finished) {
    print(`Interrupted. ${counts} The same command goes on; ${checkpointPath(file)} knows where.`);
    return exitCodes.interrupted;
  }
  print(counts);
  return refused > 0 ? exitCodes.incomplete : exitCodes.done;
}

await runCommand({ help, run: runImport });
