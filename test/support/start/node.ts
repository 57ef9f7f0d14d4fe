import { spawn } from "node:child_process";
import { once } from "node:events";
import { Redis } from "ioredis";
import { connect, type JetStreamManager } from "nats";
import { natsOptions } from "../../../lib/runtime/nats-options.ts";
import { findFreePort } from "../../../scripts/local-servers/ports.ts";
import { waitForGateway } from "../../../scripts/run/ready.ts";
import { createApiClient } from "../clients/api-client.ts";
import { contentAt } from "../clients/redis-content.ts";
import type { Running } from "../flows/main-flow.ts";
import type { TestDatabase } from "./database.ts";
import { firstAdmin } from "./installation.ts";
import { startServers } from "./servers.ts";

/** All services as one node of a mesh, in a process of its own over real servers, and the traces that it leaves. */
export interface TestNode extends Running {
  readonly database: TestDatabase;
  readonly env: Readonly<Record<string, string>>;
  /** What it has written to both outputs. */
  output(): string;
  /** Every message of every stream. */
  events(): Promise<string>;
  /** Every key and value in Redis: jobs and limits. */
  redis(): Promise<string>;
  stop(): Promise<void>;
}

export async function startNode(more: Readonly<Record<string, string>> = {}): Promise<TestNode> {
  await using started = new AsyncDisposableStack();
  const { database, nats, redis, smtp, env: common } = await startServers(started);
  const port = String(await findFreePort());
  const env = { ...common, APP_PORT: port, ...more };
  const node = spawnNode(env);
  started.defer(node.stop);
  const url = `http://127.0.0.1:${port}`;
  await waitForGateway(url);
  const parts = started.move();
  return {
    api: createApiClient(url),
    admin: firstAdmin,
    database,
    env,
    mails: smtp.mails,
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
