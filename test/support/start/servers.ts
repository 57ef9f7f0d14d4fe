import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import type { Mail } from "../../../lib/runtime/platform.ts";
import { type Mailbox, startMailbox } from "../../../scripts/local-servers/mailbox.ts";
import { startNats } from "../../../scripts/local-servers/nats.ts";
import { startRedis } from "../../../scripts/local-servers/redis.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { firstAdmin, secretKey } from "./installation.ts";

/** A server that a test may stop and start again, at the same address and with its data. */
export interface Server {
  readonly url: string;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** SIGKILL; resolves when the process has ended. */
  kill(): Promise<void>;
}

export interface MailServer {
  readonly url: string;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Oldest first; they outlive a stop. */
  mails(): readonly Mail[];
}

/** The servers that a mesh needs, and the environment of its nodes. */
export interface ServerSet {
  readonly database: TestDatabase;
  readonly nats: Server;
  readonly redis: Server;
  readonly smtp: MailServer;
  readonly env: Readonly<Record<string, string>>;
}

const log = pino({ level: "silent" });
/** Needs escaping in a URL. */
const password = "p@ss/word:1";
const newDir = () => mkdtemp(join(tmpdir(), "usermesh-test-"));

export async function startServers(started: AsyncDisposableStack): Promise<ServerSet> {
  const database = await createTestDatabase();
  started.defer(database.drop);
  const nats = await startNatsServer();
  started.defer(nats.stop);
  const redis = await startRedisServer();
  started.defer(redis.stop);
  const smtp = await startMailServer();
  started.defer(smtp.stop);
  const { hostname, port } = new URL(smtp.url);
  const env = {
    PATH: process.env.PATH ?? "",
    TMPDIR: tmpdir(),
    NODE_ENV: "test",
    LOG_LEVEL: "fatal",
    PASSWORD_HASH_COST: "4",
    PASSWORD_HASH_MAX_WAIT_MS: "8000",
    RATE_LIMIT_ENABLED: "false",
    SECRET_KEY: secretKey,
    DATA_DIR: await newDir(),
    DATABASE_URL: database.url,
    NATS_URL: nats.url,
    REDIS_URL: redis.url,
    SMTP_HOST: hostname,
    SMTP_PORT: port,
    SMTP_TLS: "off",
    ADMIN_EMAIL: firstAdmin.email,
    ADMIN_PASSWORD: firstAdmin.password,
  };
  return { database, nats, redis, smtp, env };
}

export async function startNatsServer(): Promise<Server> {
  const dir = await newDir();
  return restartable((port) => startNats({ dir, log, port, user: "bus", password }));
}

export async function startRedisServer(): Promise<Server> {
  const dir = await newDir();
  return restartable((port) => startRedis({ dir, log, port, password }));
}

interface Running {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

async function restartable(start: (port?: number) => Promise<Running>): Promise<Server> {
  let running: Running | undefined = await start();
  const { url, port } = running;
  const stop = async () => {
    await running?.stop();
    running = undefined;
  };
  return {
    url,
    stop,
    async kill() {
      if (running) process.kill(running.pid, "SIGKILL");
      await stop();
    },
    async start() {
      running ??= await start(port);
    },
  };
}

async function startMailServer(): Promise<MailServer> {
  const mails: Mail[] = [];
  const open = async (options: { port?: number } = {}): Promise<Mailbox> => {
    const mailbox = await startMailbox(options);
    mailbox.onMessage((mail) => void mails.push(mail));
    return mailbox;
  };
  let running: Mailbox | undefined = await open();
  const { host, port } = running;
  return {
    url: `smtp://${host}:${port}`,
    mails: () => mails,
    async stop() {
      await running?.stop();
      running = undefined;
    },
    async start() {
      running ??= await open({ port });
    },
  };
}
