import { randomBytes } from "node:crypto";
import type { ServiceBroker } from "moleculer";
import type { Caller } from "../../../lib/actions/caller.ts";
import type { ActionName, Actions } from "../../../lib/actions/typed-call.ts";
import { type Environment, readConfig } from "../../../lib/config/config.ts";
import { createLog } from "../../../lib/observability/log.ts";
import { systemClock } from "../../../lib/runtime/clock.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { Mail, Platform } from "../../../lib/runtime/platform.ts";
import { startMailbox } from "../../../scripts/local-servers/mailbox.ts";
import { findFreePort } from "../../../scripts/local-servers/ports.ts";
import { seedAdmin } from "../../../scripts/run/seed-admin.ts";
import { startNode } from "../../../scripts/run/start-node.ts";
import { createTestDatabase } from "./database.ts";

export interface RunningServices {
  readonly broker: ServiceBroker;
  readonly platform: Platform;
  /** Of the gateway, where it was started. */
  readonly url: string;
  /** As `caller`; anonymous where none is given. */
  call<K extends ActionName>(name: K, params: Actions[K]["params"], caller?: Caller): Promise<Actions[K]["result"]>;
  /** Oldest first. */
  mails(): readonly Mail[];
  stop(): Promise<void>;
}

const anonymous: Caller = { kind: "anonymous", tenant: "default" };

/** The key of all nodes of this test run that are not given one. */
const secretKey = `k1:${randomBytes(32).toString("base64url")}`;

/**
 * Real services in this process, over a real database (a new one where `DATABASE_URL` is not given) and a real SMTP server.
 * With `NATS_URL` they are a node of that mesh. `ADMIN_PASSWORD` seeds the administrator.
 */
export async function startServices(names: "all" | readonly string[], env: Environment = {}): Promise<RunningServices> {
  const started = new AsyncDisposableStack();
  try {
    return await start(started, names, env);
  } catch (error) {
    await started.disposeAsync();
    throw error;
  }
}

async function start(
  started: AsyncDisposableStack,
  names: "all" | readonly string[],
  env: Environment,
): Promise<RunningServices> {
  const mailbox = await startMailbox();
  started.defer(mailbox.stop);
  const port = env.APP_PORT ?? String(await findFreePort());
  const databaseUrl = env.DATABASE_URL ?? (await ownDatabase(started));
  const config = readConfig({
    NODE_ENV: "test",
    LOG_LEVEL: "fatal",
    PASSWORD_HASH_COST: "4",
    RATE_LIMIT_ENABLED: "false",
    SECRET_KEY: secretKey,
    SMTP_HOST: mailbox.host,
    SMTP_PORT: String(mailbox.port),
    SMTP_TLS: "off",
    ...env,
    APP_PORT: port,
    DATABASE_URL: databaseUrl,
  });
  const shown = { messages: async () => mailbox.messages(), clear: async () => mailbox.clear() };
  const node = await startNode({
    config,
    log: createLog(config.log),
    services: names === "all" ? [] : names,
    mailbox: shown,
  });
  started.defer(node.stop);
  if (env.ADMIN_PASSWORD !== undefined && node.services.includes("auth")) await seedAdmin(node.broker, config);
  return {
    broker: node.broker,
    platform: node.platform,
    url: `http://127.0.0.1:${port}`,
    call: (name, params, caller = anonymous) =>
      node.broker.call(name, params, { meta: { caller, correlation_id: newId(systemClock) } }),
    mails: () => mailbox.messages(),
    stop: () => started.disposeAsync(),
  };
}

async function ownDatabase(started: AsyncDisposableStack): Promise<string> {
  const database = await createTestDatabase();
  started.defer(database.drop);
  return database.url;
}
