import type { ServiceSchema } from "moleculer";
import { requireUser } from "../../lib/actions/caller.ts";
import { implement } from "../../lib/actions/typed-call.ts";
import type { Tracing } from "../../lib/observability/tracing.ts";
import type { Clock } from "../../lib/runtime/clock.ts";
import type { Platform } from "../../lib/runtime/platform.ts";
import { createTtlCache } from "../../lib/runtime/ttl-cache.ts";
import { createDatabase, database } from "../../mixins/database/database.mixin.ts";
import { eventConsumer } from "../../mixins/event-consumer.mixin.ts";
import { createOutbox, outboxRelay } from "../../mixins/outbox/outbox.mixin.ts";
import { outboxOperations } from "../../mixins/outbox/outbox-operations.ts";
import { exportPage } from "../../mixins/personal-data/export-pages.ts";
import { sweepDeliveries } from "./delivery.repo.ts";
import { mailContract } from "./mail.contract.ts";
import type { MailDeps } from "./mail.deps.ts";
import { mailEntities } from "./mail.entities.ts";
import { readInstallationBrand } from "./messages/brand.ts";
import { accountEvents, sessionEvents } from "./messages/notices.ts";
import { renderSamples } from "./messages/samples.ts";
import { sendMail } from "./messages/send-mail.ts";
import { createSmtpTransport, type SmtpTransport } from "./messages/smtp-transport.ts";
import { loadTemplates } from "./messages/templates.ts";
import { eraseDeliveries, exportSections } from "./personal-data.repo.ts";
import { createPushService } from "./push/push-service.ts";
import { requestPush } from "./push/request-push.ts";
import { sendPush } from "./push/send-push.ts";

/** The result is kept this long, because each check opens a connection, and mail servers may limit those. */
const SMTP_CHECK_TTL_MS = 5_000;

/**
 * The share of failed calls that opens a circuit breaker. Moleculer counts the calls of up to a minute, so with a share
 * of one half, the successful calls before an outage would keep the breaker closed for too long.
 */
const BREAKER_THRESHOLD = 0.1;

function traced(transport: SmtpTransport, tracing: Tracing | undefined): SmtpTransport {
  if (!tracing) return transport;
  return {
    ...transport,
    send: (mail) => tracing.run({ name: "SMTP send", kind: "client" }, () => transport.send(mail)),
  };
}

function createSmtpCheck(clock: Clock, { isUp }: SmtpTransport): () => Promise<boolean> {
  const cache = createTtlCache<{ readonly isUp: boolean }>(clock, { ttlMs: SMTP_CHECK_TTL_MS });
  return async () => (await cache.read("smtp", async () => ({ isUp: await isUp() }))).isUp;
}

/** Renders and sends mails and forwards push notifications, each message once. */
export default function mailService(platform: Platform): ServiceSchema {
  const { config, clock, timers } = platform;
  const db = createDatabase(platform, { schema: "mail", entities: mailEntities });
  const outbox = createOutbox(platform, db, "mail");
  const transport = traced(createSmtpTransport(config.mail, config.circuitBreaker.failures), platform.tracing);
  platform.health.add("smtp", createSmtpCheck(platform.clock, transport));
  const templates = loadTemplates(config.mail.templatesDir);
  const brand = readInstallationBrand(config.brand);
  const pushService = createPushService(config.push, platform.tracing);
  const deps: MailDeps = { config, clock, timers, db, outbox, transport, templates, brand, pushService };
  const actions = implement(mailContract, {
    send: (ctx) => sendMail(deps, ctx),
    samples: async () => renderSamples(deps),
    push: (ctx) => requestPush(deps, ctx),
    sendPush: (ctx) => sendPush(deps, ctx),
    erase: ({ params }) => eraseDeliveries(db, params.user_id),
    export: ({ caller, params }) => exportPage(exportSections(db), requireUser(caller).user_id, params.cursor),
    ...outboxOperations(db, outbox),
    sweep: () => sweepDeliveries(db),
  });

  const circuitBreaker = {
    enabled: true,
    threshold: BREAKER_THRESHOLD,
    minRequestCount: config.circuitBreaker.failures,
    halfOpenTime: config.circuitBreaker.deliveryOpenMs,
  };
  return {
    name: "mail",
    mixins: [
      database(db),
      outboxRelay(outbox),
      eventConsumer(platform, accountEvents(deps)),
      eventConsumer(platform, sessionEvents(deps)),
    ],
    actions: {
      ...actions,
      send: { ...(actions.send as object), circuitBreaker },
      sendPush: { ...(actions.sendPush as object), circuitBreaker },
    },
    stopped: async () => transport.close(),
  };
}
