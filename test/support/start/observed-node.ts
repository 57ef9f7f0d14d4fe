import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { connect, type JetStreamManager } from "nats";
import pino from "pino";
import { natsOptions } from "../../../lib/runtime/nats-options.ts";
import { startMailbox } from "../../../scripts/local-servers/mailbox.ts";
import { startNats } from "../../../scripts/local-servers/nats.ts";
import { findFreePort } from "../../../scripts/local-servers/ports.ts";
import { startRedis } from "../../../scripts/local-servers/redis.ts";
import { waitForGateway } from "../../../scripts/run/ready.ts";
import { createApiClient } from "../clients/api-client.ts";
import { contentAt } from "../clients/redis-content.ts";
import type { Running } from "../flows/main-flow.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";

/** All services as one node of a mesh, in a process of its own over real servers, and all that it leaves behind. */
export interface ObservedNode extends Running {
  readonly database: TestDatabase;
  readonly env: Readonly<Record<string, string>>;
  /** Everything that it has said, on both outputs. */
  output(): string;
  /** Every message of every stream. */
  events(): Promise<string>;
  /** Every key and value of Redis: jobs, caches, limits. */
  redis(): Promise<string>;
  stop(): Promise<void>;
}

const admin = { email: "admin@example.com", password: "Usher-of-the-Mesh-1" };
const log = pino({ level: "silent" });

export async function startObservedNode(more: Readonly<Record<string, string>> = {}): Promise<ObservedNode> {
  await using started = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), "usermesh-observed-"));
  started.defer(() => rm(dir, { recursive: true, force: true }));
  const database = await createTestDatabase();
  started.defer(database.drop);
  const nats = await startNats({ dir: join(dir, "nats"), log });
  started.defer(nats.stop);
  const redis = await startRedis({ dir: join(dir, "redis"), log });
  started.defer(redis.stop);
  const mailbox = await startMailbox();
  started.defer(mailbox.stop);
  const port = String(await findFreePort());
  const env = {
    PATH: process.env.PATH ?? "",
    NODE_ENV: "test",
    PASSWORD_HASH_COST: "4",
    DATABASE_URL: database.url,
    NATS_URL: nats.url,
    REDIS_URL: redis.url,
    SMTP_HOST: mailbox.host,
    SMTP_PORT: String(mailbox.port),
    SMTP_TLS: "off",
    APP_PORT: port,
    ADMIN_EMAIL: admin.email,
    ADMIN_PASSWORD: admin.password,
    ...more,
  };
  const node = spawnNode(env);
  started.defer(node.stop);
  const url = `http://127.0.0.1:${port}`;
  await waitForGateway(url);
  const parts = started.move();
  return {
    api: await createApiClient(url),
    admin,
    database,
    env,
    mails: () => mailbox.messages(),
    output: node.output,
    events: () => eventsOf(nats.url),
    redis: () => contentOf(redis.url),
    stop: () => parts.disposeAsync(),
  };
}

function spawnNode(env: Readonly<Record<string, string>>) {
  const args = ["--require", "./scripts/environment.cjs", "scripts/node.ts"];
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  const parts: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part: Buffer) => parts.push(String(part)));
  const gone = once(child, "exit");
  return {
    output: () => parts.join(""),
    async stop() {
      child.kill("SIGINT");
      await gone;
    },
  };
}

async function eventsOf(url: string): Promise<string> {
  const connection = await connect(natsOptions(url));
  try {
    const manager = await connection.jetstreamManager();
    const streams = await manager.streams.list().next();
    const texts = await Promise.all(
      streams.map(({ config, state }) => messagesOf(manager, config.name, state.last_seq)),
    );
    return texts.join("\n");
  } finally {
    await connection.close();
  }
}

async function messagesOf(manager: JetStreamManager, stream: string, last: number): Promise<string> {
  const seqs = Array.from({ length: last }, (_, at) => at + 1);
  const messages = await Promise.all(seqs.map((seq) => manager.streams.getMessage(stream, { seq }).catch(() => null)));
  return messages.map((message) => `${message?.subject} ${message?.string()} ${message?.header}`).join("\n");
}

async function contentOf(url: string): Promise<string> {
  const redis = new Redis(url);
  try {
    const keys = await redis.keys("*");
    const values = await Promise.all(keys.map((key) => contentAt(redis, key)));
    return keys.map((key, at) => `${key} ${JSON.stringify(values[at])}`).join("\n");
  } finally {
    redis.disconnect();
  }
}
