import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import type { Mail } from "../../../lib/runtime/platform.ts";
import { type Mailbox, startMailbox } from "../../../scripts/local-servers/mailbox.ts";
import { startNats } from "../../../scripts/local-servers/nats.ts";
import { findFreePort } from "../../../scripts/local-servers/ports.ts";
import { startRedis } from "../../../scripts/local-servers/redis.ts";
import { type RunningMesh, startMesh } from "../../../scripts/run/start-mesh.ts";
import { type ApiClient, createApiClient } from "../clients/api-client.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";

/** A server of the mesh that a test may take away and bring back at the same address. */
export interface Server {
  readonly url: string;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export interface KillableServer extends Server {
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

/** A real mesh on this machine: every service and worker a process, over servers of its own. */
export interface TestMesh {
  readonly env: Readonly<Record<string, string>>;
  readonly gateways: readonly ApiClient[];
  /** The first gateway. */
  readonly api: ApiClient;
  readonly admin: { readonly email: string; readonly password: string };
  readonly database: TestDatabase;
  readonly nats: Server;
  readonly redis: KillableServer;
  readonly smtp: Omit<Server, "url">;
  mails(): readonly Mail[];
  names(): readonly string[];
  pid(name: string): number;
  /** SIGKILL; resolves when the process is gone. */
  kill(name: string): Promise<void>;
  /** SIGSTOP: alive, and deaf. */
  pause(name: string): void;
  resume(name: string): void;
  /** A new process under the name of one that was killed. */
  restart(name: string): Promise<void>;
  /** As a rollout does it: ends the process gently and starts another one, with this changed in its environment. */
  replace(name: string, env: Readonly<Record<string, string>>): Promise<void>;
  stop(): Promise<void>;
}

interface MeshOptions {
  readonly nodes?: number;
  readonly env?: Readonly<Record<string, string>>;
}

const admin = { email: "admin@example.com", password: "Usher-of-the-Mesh-1" };
const log = pino({ level: "silent" });

export async function startTestMesh({ nodes = 1, env = {} }: MeshOptions = {}): Promise<TestMesh> {
  await using started = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), "usermesh-mesh-"));
  started.defer(() => rm(dir, { recursive: true, force: true }));
  const database = await createTestDatabase();
  started.defer(database.drop);
  const nats = await restartable((again) => startNats({ dir: join(dir, "nats"), log, ...credentials(again) }));
  started.defer(nats.stop);
  const redis = await restartable((again) => startRedis({ dir: join(dir, "redis"), log, ...credentials(again) }));
  started.defer(redis.stop);
  const smtp = await restartableMailbox();
  started.defer(smtp.stop);
  const full: Record<string, string> = {
    PATH: process.env.PATH ?? "",
    NODE_ENV: "test",
    LOG_LEVEL: "fatal",
    PASSWORD_HASH_COST: "4",
    RATE_LIMIT_ENABLED: "false",
    SECRET_KEY: `k1:${"test-secret-".repeat(4)}`,
    DATA_DIR: dir,
    DATABASE_URL: database.url,
    NATS_URL: nats.url,
    REDIS_URL: redis.url,
    SMTP_HOST: "127.0.0.1",
    SMTP_PORT: String(smtp.port),
    SMTP_TLS: "off",
    APP_PORT: String(await findFreePort()),
    ADMIN_EMAIL: admin.email,
    ADMIN_PASSWORD: admin.password,
    ...env,
  };
  const mesh = await startMesh({ env: full, log, print: () => undefined, nodes });
  started.defer(mesh.stop);
  const gateways = await Promise.all(mesh.urls.map(createApiClient));
  const parts = started.move();
  return {
    env: full,
    gateways,
    api: gateways[0] as ApiClient,
    admin,
    database,
    nats,
    redis,
    smtp,
    mails: smtp.mails,
    names: () => mesh.children().map((child) => child.name),
    ...processesOf(mesh),
    stop: () => parts.disposeAsync(),
  };
}

function processesOf(mesh: RunningMesh) {
  const child = (name: string) => {
    const found = mesh.children().find((one) => one.name === name);
    if (!found) throw new Error(`No process ${name} in this mesh`);
    return found;
  };
  return {
    pid: (name: string) => child(name).process.pid ?? 0,
    async kill(name: string) {
      const { process } = child(name);
      const gone = new Promise((resolve) => process.once("exit", resolve));
      process.kill("SIGKILL");
      await gone;
    },
    pause: (name: string) => void child(name).process.kill("SIGSTOP"),
    resume: (name: string) => void child(name).process.kill("SIGCONT"),
    restart: async (name: string) => void (await mesh.restart(name)),
    async replace(name: string, env: Readonly<Record<string, string>>) {
      await child(name).stop();
      await mesh.restart(name, env);
    },
  };
}

interface Running {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Comes back on the same port, with the same credentials and data. */
async function restartable(start: (again?: Running) => Promise<Running>): Promise<KillableServer> {
  let running: Running | undefined = await start();
  const first = running;
  return {
    url: first.url,
    async stop() {
      await running?.stop();
      running = undefined;
    },
    async kill() {
      if (running) process.kill(running.pid, "SIGKILL");
      await running?.stop();
      running = undefined;
    },
    async start() {
      running ??= await start(first);
    },
  };
}

function credentials(again: Running | undefined): { port?: number; user?: string; password?: string } {
  if (!again) return {};
  const { username, password } = new URL(again.url);
  return { port: again.port, ...(username && { user: username }), password };
}

/** Keeps the mails of before over a stop. */
async function restartableMailbox() {
  const kept: Mail[] = [];
  const open = async (port?: number): Promise<Mailbox> => {
    const mailbox = await startMailbox(port === undefined ? {} : { port });
    mailbox.onMessage((mail) => void kept.push(mail));
    return mailbox;
  };
  let running: Mailbox | undefined = await open();
  const { port } = running;
  return {
    port,
    mails: (): readonly Mail[] => kept,
    async stop() {
      await running?.stop();
      running = undefined;
    },
    async start() {
      running ??= await open(port);
    },
  };
}
