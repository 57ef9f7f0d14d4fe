import { access, constants } from "node:fs/promises";
import { parseArgs } from "node:util";
import { readConfig } from "../lib/config/config.ts";
import { createLog } from "../lib/observability/log.ts";
import { systemClock, systemTimers } from "../lib/runtime/clock.ts";
import { type ImportResult, importFile } from "./import/import-file.ts";
import { createProgressPrinter, exitCodes, runCommand, UsageError } from "./run/command.ts";
import { connectToMesh } from "./run/mesh-connection.ts";
import { counted, print } from "./run/terminal.ts";

const help = `Imports accounts from an NDJSON file, one account per line.

  npm run import -- users.ndjson [--report refused.ndjson]

  --report <file>   where refused lines are reported with line, code and message
                    (default: <users.ndjson>.refused.ndjson)

A line has an email. Optional: tenant (a slug, default "default"), username,
full_name, current_title, company, location, bio, push_token, is_active,
is_verified, created_at, last_login_at, subscription {plan, expires_at},
profile {…} and preferences {…} with the fields of the API, and password_hash:
of bcrypt, argon2, Django, Firebase, ASP.NET, WordPress, Keycloak or LDAP. Users
without one have to reset their password. The import sends no mails and assigns
no roles.

After an interruption by Ctrl-C, kill -9 or a power failure, the same command
resumes and imports no account twice. <users.ndjson>.progress has the position.

It joins the mesh at NATS_URL, or the \`npm start\` or \`npm run mesh\` of this
machine. If none runs, it starts the services, with DATABASE_URL or the embedded
database.

Exit codes: 0 all imported, 3 some lines refused, 130 interrupted, 1 failed,
2 invalid arguments.`;

function parseArguments(args: string[]): { readonly file: string; readonly report: string } {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { report: { type: "string" } } });
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw new UsageError("Name the file to import.");
  return { file, report: values.report ?? `${file}.refused.ndjson` };
}

async function runImport(stack: AsyncDisposableStack, signal: AbortSignal): Promise<number> {
  const { file, report } = parseArguments(process.argv.slice(2));
  await access(file, constants.R_OK).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ENOENT" ? new Error(`There is no file ${file}.`) : error;
  });
  const env = { ...process.env, LOG_LEVEL: process.env.LOG_LEVEL ?? "error" };
  const log = createLog(readConfig(env).log);
  const { call } = await connectToMesh({ env, log, print: print, caller: "import" }, stack);
  const parts = { call, clock: systemClock, timers: systemTimers, signal, onProgress: createProgressPrinter() };
  return printResult(await importFile({ file, report, ...parts }), report);
}

function printResult({ imported, refused, finished }: ImportResult, report: string): number {
  const where = refused > 0 ? ` (see ${report})` : "";
  print(`Imported ${counted(imported, "account")}, refused ${counted(refused, "line")}${where}.`);
  if (!finished) {
    print("Interrupted. Repeat the command to resume.");
    return exitCodes.interrupted;
  }
  return refused > 0 ? exitCodes.incomplete : exitCodes.done;
}

await runCommand({ help, run: runImport });
