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
import { createTestDatabase, openTestDatabase, type TestDatabase } from "./database.ts";
import { outboxesEmpty, secretKey } from "./installation.ts";

type Params<K extends ActionName> = Actions[K]["params"];
type Result<K extends ActionName> = Actions[K]["result"];

export interface RunningServices {
  readonly broker: ServiceBroker;
  readonly platform: Platform;
  readonly database: TestDatabase;
  readonly secretKey: string;
  /** Of the gateway, if it was started. */
  readonly url: string;
  /** As an anonymous caller unless another one is given. */
  call<K extends ActionName>(name: K, params: Params<K>, caller?: Caller): Promise<Result<K>>;
  as<K extends ActionName>(service: string, name: K, params: Params<K>): Promise<Result<K>>;
  /** Oldest first. */
  mails(): readonly Mail[];
  /** Waits until every event in an outbox has been published, which in one process means handled. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

const anonymous: Caller = { kind: "anonymous", tenant: "default" };

/**
 * Starts services in this process, over a PostgreSQL database (a new one unless `DATABASE_URL` is given) and an SMTP server.
 * With `NATS_URL` they are a node of that mesh. `ADMIN_PASSWORD` creates the first administrator.
 */
export async function startServices(names: "all" | readonly string[], env: Environment = {}): Promise<RunningServices> {
  await using started = new AsyncDisposableStack();
  const mailbox = await startMailbox();
  started.defer(mailbox.stop);
  const port = env.APP_PORT ?? String(await findFreePort());
  const database = env.DATABASE_URL === undefined ? await createTestDatabase() : openTestDatabase(env.DATABASE_URL);
  started.defer(database.drop);
  const full = {
    NODE_ENV: "test",
    LOG_LEVEL: "fatal",
    PASSWORD_HASH_COST: "4",
    RATE_LIMIT_ENABLED: "false",
    // On a busy machine requests wait longer than a server should make its clients wait, and that must neither open breakers nor refuse sign-ups.
    REQUEST_TIMEOUT_MS: "60000",
    CIRCUIT_BREAKER_FAILURES: "1000",
    PASSWORD_HASH_MAX_WAIT_MS: "8000",
    SECRET_KEY: secretKey,
    SMTP_HOST: mailbox.host,
    SMTP_PORT: String(mailbox.port),
    SMTP_TLS: "off",
    ...env,
    APP_PORT: port,
    DATABASE_URL: database.url,
  };
  const config = readConfig(full);
  const shown = { messages: async () => mailbox.messages(), clear: async () => mailbox.clear() };
  const node = await startNode({
    config,
    log: createLog(config.log),
    services: names === "all" ? [] : names,
    mailbox: shown,
  });
  started.defer(node.stop);
  if (env.ADMIN_PASSWORD !== undefined && node.services.includes("auth")) await seedAdmin(node.broker, config);
  const call: RunningServices["call"] = (name, params, caller = anonymous) =>
    node.broker.call(name, params, { meta: { caller, correlation_id: newId(systemClock) } });
  const parts = started.move();
  return {
    broker: node.broker,
    platform: node.platform,
    database,
    secretKey: full.SECRET_KEY,
    url: `http://127.0.0.1:${port}`,
    call,
    as: (name, action, params) => call(action, params, { kind: "service", name }),
    mails: () => mailbox.messages(),
    settled: () => outboxesEmpty(database),
    stop: () => parts.disposeAsync(),
  };
}
