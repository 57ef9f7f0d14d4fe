import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Mail } from "../../../lib/runtime/platform.ts";
import { startMailbox } from "../../../scripts/local-servers/mailbox.ts";
import { findFreePort } from "../../../scripts/local-servers/ports.ts";
import { waitForGateway } from "../../../scripts/run/ready.ts";
import { type ApiClient, createApiClient } from "../clients/api-client.ts";

/** `npm start` as a newcomer runs it, with all that it starts a group of its own, over data that outlive it. */
export interface NpmStart {
  readonly admin: { readonly email: string; readonly password: string };
  /** Oldest first; they outlive it too. */
  mails(): readonly Mail[];
  start(): Promise<ApiClient>;
  /** SIGKILL to all of it. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

const admin = { email: "admin@example.com", password: "Usher-of-the-Mesh-1" };

export async function prepareNpmStart(): Promise<NpmStart> {
  const dir = await mkdtemp(join(tmpdir(), "usermesh-start-"));
  const port = await findFreePort();
  const mailbox = await startMailbox();
  let running: ChildProcess | undefined;
  const env = {
    PATH: process.env.PATH,
    ...{ DATABASE_URL: "", NATS_URL: "", REDIS_URL: "", SECRET_KEY: "" },
    ...{ SMTP_HOST: mailbox.host, SMTP_PORT: String(mailbox.port), SMTP_TLS: "off" },
    ...{ ADMIN_EMAIL: admin.email, ADMIN_PASSWORD: admin.password },
    ...{
      DATA_DIR: dir,
      APP_PORT: String(port),
      PASSWORD_HASH_COST: "4",
      RATE_LIMIT_ENABLED: "false",
      LOG_LEVEL: "fatal",
    },
  };
  return {
    admin,
    mails: () => mailbox.messages(),
    async start() {
      const args = ["--require", "./scripts/environment.cjs", "scripts/start.ts"];
      running = spawn(process.execPath, args, { env, stdio: "ignore", detached: true });
      const url = `http://127.0.0.1:${port}`;
      await waitForGateway(url);
      return createApiClient(url);
    },
    kill: async () => end(running, "SIGKILL"),
    async stop() {
      await end(running, "SIGINT");
      await mailbox.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  process.kill(-child.pid, signal);
  await gone;
}
