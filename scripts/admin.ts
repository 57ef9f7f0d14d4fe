import { parseArgs } from "node:util";
import { DEFAULT_TENANT } from "../lib/actions/caller.ts";
import { isError } from "../lib/actions/errors.ts";
import type { Call } from "../lib/actions/typed-call.ts";
import { readConfig } from "../lib/config/config.ts";
import { createLog } from "../lib/observability/log.ts";
import { exitCodes, runCommand, UsageError } from "./run/command.ts";
import { connectToMesh } from "./run/mesh-connection.ts";
import { generatePassword } from "./run/seed-admin.ts";
import { print } from "./run/terminal.ts";

const help = `Creates an administrator, or helps one who can't sign in any more.

  npm run admin -- create <email>           a new account with the roles of the
                                            first administrator; prints its
                                            password
  npm run admin -- reset-password <email>   prints a new password, and ends all
                                            sessions of the account
  npm run admin -- grant <email>            gives an account these roles; its
                                            address must be verified

For accounts of the default tenant. It joins the mesh at NATS_URL, or the
\`npm start\` or \`npm run mesh\` of this machine. If none runs, it starts the
services, with DATABASE_URL or the embedded database.

Exit codes: 0 done, 1 failed, 2 invalid arguments.`;

type Command = (call: Call, email: string) => Promise<string>;

const commands: Readonly<Record<string, Command>> = { create, "reset-password": resetPassword, grant };

async function create(call: Call, email: string): Promise<string> {
  const password = generatePassword();
  const { created } = await call("auth.seedAdmin", { email, password });
  if (!created) throw new Error(`An account with the address ${email} exists. Use grant, or reset-password.`);
  return `Created the administrator ${email}.\nPassword: ${password} (shown only once)`;
}

async function resetPassword(call: Call, email: string): Promise<string> {
  const password = generatePassword();
  await call("auth.setPassword", { user_id: await findUser(call, email), password });
  return `Set a new password for ${email} and ended all its sessions.\nPassword: ${password} (shown only once)`;
}

async function grant(call: Call, email: string): Promise<string> {
  const id = await findUser(call, email);
  try {
    await call("users.appointAdministrator", { id });
  } catch (error) {
    if (!isError(error, "email_not_verified")) throw error;
    throw new Error(
      `The address ${email} is not verified, so the account may be somebody else's. Let its owner verify the address first, or create an administrator with another one.`,
    );
  }
  return `${email} is an administrator.`;
}

async function findUser(call: Call, email: string): Promise<string> {
  const { user } = await call("users.findForSignIn", { tenant: DEFAULT_TENANT, email });
  if (!user) throw new Error(`There is no account with the address ${email} in the default tenant.`);
  return user.id;
}

async function runAdmin(stack: AsyncDisposableStack): Promise<number> {
  const { positionals } = parseArgs({ args: process.argv.slice(2), allowPositionals: true, options: {} });
  const [name = "", email, ...more] = positionals;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command || email === undefined || more.length > 0) throw new UsageError("Name a command and an address.");
  const env = { ...process.env, LOG_LEVEL: process.env.LOG_LEVEL ?? "error" };
  const log = createLog(readConfig(env).log);
  const { call } = await connectToMesh({ env, log, print: print, caller: "administration" }, stack);
  print(await command(call, email));
  return exitCodes.done;
}

await runCommand({ help, run: runAdmin });
