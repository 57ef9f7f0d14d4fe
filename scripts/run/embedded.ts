import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { ConfigError, type Environment, readConfig, withVariables } from "../../lib/config/config.ts";
import type { DevMailbox } from "../../lib/runtime/platform.ts";
import type { Mailbox } from "../local-servers/mailbox.ts";
import type { Print } from "./terminal.ts";

interface EmbeddedOptions {
  readonly env: Environment;
  readonly log: Logger;
  readonly print: Print;
  /** For a mesh of several processes; a single process needs neither. */
  readonly withNatsAndRedis: boolean;
}

export interface EmbeddedServers {
  /** The environment with the URLs of the started servers. */
  readonly env: Environment;
  /** What serves each dependency, for the banner. */
  readonly servers: ReadonlyArray<readonly [name: string, what: string]>;
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

/** Starts a server for each dependency that is not configured. If one fails, the others are stopped. */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServers> {
  const config = readConfig(options.env);
  const starts: readonly Start[] = [
    config.database.url === undefined ? postgres : external("PostgreSQL", "DATABASE_URL"),
    config.nats.url !== undefined
      ? external("NATS", "NATS_URL")
      : options.withNatsAndRedis
        ? nats
        : notStarted("NATS", "none: all services are in this process"),
    config.redis.url !== undefined
      ? external("Redis", "REDIS_URL")
      : options.withNatsAndRedis
        ? redis
        : notStarted("Redis", "none: rate limits in memory, queues in PostgreSQL"),
    config.mail.host === undefined ? mailServer : external("SMTP", "SMTP_HOST"),
    config.secretKey === undefined && config.derivedKeys === undefined
      ? secretKey
      : external("Secret key", "SECRET_KEY"),
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
    servers: parts.map((part) => [part.name, part.what]),
    devMailbox: devMailboxOf(parts.find((part) => part.mailbox)?.mailbox),
    stop,
  };
}

function devMailboxOf(mailbox: Mailbox | undefined): DevMailbox | undefined {
  return mailbox && { messages: async () => mailbox.messages(), clear: async () => mailbox.clear() };
}

/** Pools close their connections without waiting for the server; any that are still open when it stops are logged as lost. */
const DISCONNECT_MS = 50;

const postgres: Start = async ({ log, print }, dataDir) => {
  const { startPostgres } = await import("../local-servers/postgres.ts");
  print("Starting PostgreSQL. The first start takes a few seconds longer.");
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
    what: `nats-server, port ${server.port}`,
    env: { NATS_URL: server.url },
    stop: server.stop,
  };
};

const redis: Start = async ({ log }, dataDir) => {
  const { startRedis } = await import("../local-servers/redis.ts");
  const server = await startRedis({ dir: join(dataDir, "redis"), log });
  return {
    name: "Redis",
    what: `redis-server, port ${server.port}`,
    env: { REDIS_URL: server.url },
    stop: server.stop,
  };
};

const mailServer: Start = async () => {
  const { startMailbox } = await import("../local-servers/mailbox.ts").catch(explainMissing("SMTP_HOST"));
  const mailbox = await startMailbox();
  const env = { SMTP_HOST: mailbox.host, SMTP_PORT: String(mailbox.port), SMTP_TLS: "off" };
  return {
    name: "SMTP",
    what: `embedded, port ${mailbox.port}: keeps mails, delivers none`,
    env,
    mailbox,
    stop: mailbox.stop,
  };
};

const secretKey: Start = async (_, dataDir) => {
  const { persistentSecret, randomPassword } = await import("../local-servers/secrets.ts");
  const secret = await persistentSecret(dataDir, "secret-key", () => randomPassword() + randomPassword());
  return {
    name: "Secret key",
    what: `generated, in ${join(dataDir, "secret-key")}`,
    env: { SECRET_KEY: secret },
  };
};

/** The mailbox and PostgreSQL are development packages, which an image does not have. */
function explainMissing(variable: string) {
  return (error: NodeJS.ErrnoException): never => {
    if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new ConfigError([`${variable} must be set: this installation has no server of its own for it.`]);
  };
}

function external(name: string, variable: string): Start {
  return async () => ({ name, what: `from ${variable}` });
}

function notStarted(name: string, what: string): Start {
  return async () => ({ name, what });
}
