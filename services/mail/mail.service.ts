import type { ServiceSchema } from "moleculer";
import { requireUser } from "../../lib/actions/caller.ts";
import { implement } from "../../lib/actions/typed-call.ts";
import type { Platform } from "../../lib/runtime/platform.ts";
import { createDatabase, database } from "../../mixins/database.mixin.ts";
import { eventConsumer } from "../../mixins/event-consumer.mixin.ts";
import { exportPage } from "../../mixins/export-pages.ts";
import { createOutbox, outboxRelay } from "../../mixins/outbox.mixin.ts";
import { sweepDeliveries } from "./delivery.repo.ts";
import { mailContract } from "./mail.contract.ts";
import type { MailDeps } from "./mail.deps.ts";
import { mailEntities } from "./mail.entities.ts";
import { accountEvents, sessionEvents } from "./messages/notices.ts";
import { sendMail } from "./messages/send-mail.ts";
import { createSmtpTransport } from "./messages/smtp-transport.ts";
import { eraseDeliveries, exportSections } from "./personal-data.repo.ts";
import { createPushService } from "./push/push-service.ts";
import { requestPush } from "./push/request-push.ts";
import { sendPush } from "./push/send-push.ts";

/**
 * The share of failed calls that opens a circuit breaker. Moleculer counts the calls of up to a minute, so with a share
 * of one half, the successful calls before an outage would keep the breaker closed for too long.
 */
const BREAKER_THRESHOLD = 0.1;

/** Renders and sends mails and forwards push notifications, each message once. */
export default function mailService(platform: Platform): ServiceSchema {
  const { config, clock, timers } = platform;
  const db = createDatabase(platform, { schema: "mail", entities: mailEntities });
  const outbox = createOutbox(platform, db, "mail");
  const transport = createSmtpTransport(config.mail);
  const pushService = createPushService(config.push);
  const deps: MailDeps = { config, clock, timers, db, outbox, transport, pushService };
  const actions = implement(mailContract, {
    send: (ctx) => sendMail(deps, ctx),
    push: (ctx) => requestPush(deps, ctx),
    sendPush: (ctx) => sendPush(deps, ctx),
    erase: ({ params }) => eraseDeliveries(db, params.user_id),
    export: ({ caller, params }) => exportPage(exportSections(db), requireUser(caller).user_id, params.cursor),
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
