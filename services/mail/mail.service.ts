import type { ServiceSchema } from "moleculer";
import { requireUser } from "../../lib/actions/caller.ts";
import { implement } from "../../lib/actions/typed-call.ts";
import type { Platform } from "../../lib/runtime/platform.ts";
import { createDatabase, database } from "../../mixins/database.mixin.ts";
import { eventConsumer } from "../../mixins/event-consumer.mixin.ts";
import { exportPage } from "../../mixins/export-pages.ts";
import { createOutbox, outboxRelay } from "../../mixins/outbox.mixin.ts";
import { eraseMessages } from "./erase.repo.ts";
import { exportSections } from "./export.repo.ts";
import { mailContract } from "./mail.contract.ts";
import type { MailDeps } from "./mail.deps.ts";
import { mailEntities } from "./mail.entities.ts";
import { accountNotices, sessionNotices } from "./notices.ts";
import { createPushService } from "./push-service.ts";
import { requestPush } from "./request-push.ts";
import { sendMail } from "./send-mail.ts";
import { sendPush } from "./send-push.ts";
import { sweep } from "./sweep.ts";
import { createMailTransport } from "./transport.ts";

/** Failures among the last calls that open the breaker: well below one half, else a good minute hides a dead server. */
const BREAKER_SHARE = 0.1;

/** Renders and sends mails, hands pushes on; each message once. */
export default function mailService(platform: Platform): ServiceSchema {
  const { config, clock, timers } = platform;
  const db = createDatabase(platform, { schema: "mail", entities: mailEntities });
  const outbox = createOutbox(platform, db, "mail");
  const transport = createMailTransport(config.mail);
  const pushService = createPushService(config.push);
  const deps: MailDeps = { config, clock, timers, db, outbox, transport, pushService };
  const actions = implement(mailContract, {
    send: (ctx) => sendMail(deps, ctx),
    push: (ctx) => requestPush(deps, ctx),
    sendPush: (ctx) => sendPush(deps, ctx),
    erase: ({ params }) => eraseMessages(db, params.user_id),
    export: ({ caller, params }) => exportPage(exportSections(db), requireUser(caller).user_id, params.cursor),
    sweep: () => sweep(deps),
  });

  const circuitBreaker = {
    enabled: true,
    threshold: BREAKER_SHARE,
    minRequestCount: config.circuitBreaker.failures,
    halfOpenTime: config.circuitBreaker.deliveryOpenMs,
  };
  return {
    name: "mail",
    mixins: [
      database(db),
      outboxRelay(outbox),
      eventConsumer(platform, accountNotices(deps)),
      eventConsumer(platform, sessionNotices(deps)),
    ],
    actions: {
      ...actions,
      send: { ...(actions.send as object), circuitBreaker },
      sendPush: { ...(actions.sendPush as object), circuitBreaker },
    },
    stopped: async () => transport.close(),
  };
}
