import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { type Environment, readConfig, withVariables } from "../../lib/config/config.ts";
import type { DevMailbox } from "../../lib/runtime/platform.ts";
import type { Mailbox } from "../local-servers/mailbox.ts";
import type { Print } from "./terminal.ts";

interface EmbeddedOptions {
  readonly env: Environment;
  readonly log: Logger;
  readonly print: Print;
  /** Also NATS and Redis: for a mesh of processes. In one process both are spared. */
  readonly withNatsAndRedis: boolean;
}

export interface EmbeddedServers {
  /** The environment with the URLs of what was started. */
  readonly env: Environment;
  /** What serves each dependency, for the table. */
  readonly parts: ReadonlyArray<readonly [name: string, what: string]>;
  readonly devMailbox: DevMailbox | undefined;
  stop(): Promise<void>;
}

interface Part {
  readonly name: string;
  readonly what: string;
  readonly env?: Environment;
  readonly mailbox?: Mailbox;
  readonly stop?: () => Promise<void>;
}

type Start = (options: EmbeddedOptions, dir: string) => Promise<Part>;

/** Serves each dependency that the environment doesn't name. Nothing is left behind when one of them can't start. */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServers> {
  const config = readConfig(options.env);
  const starts: readonly Start[] = [
    config.database.url === undefined ? postgres : external("PostgreSQL", "DATABASE_URL"),
    config.nats.url !== undefined
      ? external("NATS", "NATS_URL")
      : options.withNatsAndRedis
        ? nats
        : notStarted("NATS", "in this process"),
    config.redis.url !== undefined
      ? external("Redis", "REDIS_URL")
      : options.withNatsAndRedis
        ? redis
        : notStarted("Redis", "none: limits in memory, jobs in PostgreSQL"),
    config.mail.host === undefined ? mailServer : external("SMTP", "SMTP_HOST"),
    config.secretKey === undefined ? secretKey : external("Secret key", "SECRET_KEY"),
  ];
  const outcomes = await Promise.allSettled(starts.map((start) => start(options, config.dataDir)));
  const parts = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  const stop = async () => void (await Promise.all(parts.map((part) => part.stop?.())));
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  if (failure) {
    await stop();
    throw failure.reason;
  }
  return {
    env: withVariables(options.env, Object.assign({}, ...parts.map((part) => part.env))),
    parts: parts.map((part) => [part.name, part.what]),
    devMailbox: devMailboxOf(parts.find((part) => part.mailbox)?.mailbox),
    stop,
  };
}

function devMailboxOf(mailbox: Mailbox | undefined): DevMailbox | undefined {
  return mailbox && { messages: async () => mailbox.messages(), clear: async () => mailbox.clear() };
}

/** A pool says goodbye and does not wait: what still stands when the server stops is logged as lost. */
const DISCONNECT_MS = 50;

const postgres: Start = async ({ log, print }, dataDir) => {
  const { startPostgres } = await import("../local-servers/postgres.ts");
  print("Starting PostgreSQL. The first start makes its data, which takes some seconds.");
  const server = await startPostgres({ dataDir, log });
  return {
    name: "PostgreSQL",
    what: `embedded, data in ${server.dataDir}`,
    env: { DATABASE_URL: server.url, DATABASE_EMBEDDED: "true" },
    stop: () => delay(DISCONNECT_MS).then(server.stop),
  };
};

const nats: Start = async ({ log }, dataDir) => {
  const { startNats } = await import("../local-servers/nats.ts");
  const server = await startNats({ dir: join(dataDir, "nats"), log });
  return {
    name: "NATS",
    what: `nats-server of this mesh, port ${server.port}`,
    env: { NATS_URL: server.url },
    stop: server.stop,
  };
};

const redis: Start = async ({ log }, dataDir) => {
  const { startRedis } = await import("../local-servers/redis.ts");
  const server = await startRedis({ dir: join(dataDir, "redis"), log });
  return {
    name: "Redis",
    what: `redis-server of this mesh, port ${server.port}`,
    env: { REDIS_URL: server.url },
    stop: server.stop,
  };
};

const mailServer: Start = async () => {
  const { startMailbox } = await import("../local-servers/mailbox.ts");
  const mailbox = await startMailbox();
  const env = { SMTP_HOST: mailbox.host, SMTP_PORT: String(mailbox.port), SMTP_TLS: "off" };
  return {
    name: "SMTP",
    what: `embedded, port ${mailbox.port}: delivers nothing, shows everything`,
    env,
    mailbox,
    stop: mailbox.stop,
  };
};

const secretKey: Start = async (_, dataDir) => {
  const { persistentSecret: keptSecret, randomPassword } = await import("../local-servers/secrets.ts");
  const secret = await keptSecret(dataDir, "secret-key", () => randomPassword() + randomPassword());
  return {
    name: "Secret key",
    what: `made for this installation, in ${join(dataDir, "secret-key")}`,
    env: { SECRET_KEY: secret },
  };
};

function external(name: string, variable: string): Start {
  return async () => ({ name, what: `as ${variable} says` });
}

function notStarted(name: string, what: string): Start {
  return async () => ({ name, what });
}
