import type { ServiceSchema } from "moleculer";
import { requireUser } from "../../lib/actions/caller.ts";
import { implement } from "../../lib/actions/typed-call.ts";
import { publicEventTypes } from "../../lib/contracts/public-events.contract.ts";
import { type MeshEvent, type StreamName, streamOf } from "../../lib/events/events.ts";
import type { Platform } from "../../lib/runtime/platform.ts";
import { createDatabase, database } from "../../mixins/database/database.mixin.ts";
import { eventConsumer } from "../../mixins/event-consumer.mixin.ts";
import { countByKey, knownKeys, readKeyUsage, reportKeyUsage } from "../../mixins/key-usage.ts";
import { createOutbox, outboxRelay } from "../../mixins/outbox/outbox.mixin.ts";
import { outboxOperations } from "../../mixins/outbox/outbox-operations.ts";
import { exportPage } from "../../mixins/personal-data/export-pages.ts";
import { sweepServiceTables } from "../../mixins/service-sweep.ts";
import { deliver } from "./deliveries/deliver.ts";
import { sweepDeliveries } from "./deliveries/deliveries.repo.ts";
import { createDeliveryCounter } from "./deliveries/delivery-metrics.ts";
import { listDeliveries } from "./deliveries/list-deliveries.ts";
import { recordEvent } from "./deliveries/record-event.ts";
import { redeliver, sendTest } from "./deliveries/send-again.ts";
import { createTenantShare } from "./deliveries/tenant-share.ts";
import { createEndpoint } from "./endpoints/create-endpoint.ts";
import { deleteEndpoint, eraseTenant } from "./endpoints/delete-endpoint.ts";
import { deleteExpiredSecrets } from "./endpoints/endpoints.repo.ts";
import { rotateKeys } from "./endpoints/key-rotation.ts";
import { rotateSecret } from "./endpoints/rotate-secret.ts";
import { updateEndpoint } from "./endpoints/update-endpoint.ts";
import { getEndpoint, listEndpoints } from "./endpoints/view-endpoint.ts";
import { eraseDeliveries, exportSections } from "./personal-data.ts";
import { createSender } from "./sending/send-request.ts";
import { webhooksContract } from "./webhooks.contract.ts";
import type { WebhooksDeps } from "./webhooks.deps.ts";
import { webhooksEntities } from "./webhooks.entities.ts";

const SEALED_SECRETS = {
  table: `(SELECT secret AS sealed FROM webhooks.endpoints
    UNION ALL SELECT previous_secret FROM webhooks.endpoints) AS secrets`,
  kid: "split_part(sealed, '.', 2)",
  where: "sealed IS NOT NULL",
};
const KEY_USAGE = countByKey(SEALED_SECRETS);

/** Reports the events of a tenant to HTTP servers that its administrators name. */
export default function webhooksService(platform: Platform): ServiceSchema {
  const { config, clock, random, ring, log } = platform;
  const db = createDatabase(platform, { schema: "webhooks", entities: webhooksEntities });
  const outbox = createOutbox(platform, db, "webhooks");
  const deps: WebhooksDeps = { db, outbox, clock, random, ring, settings: config.webhooks };
  const count = createDeliveryCounter(platform.metrics.registry);
  const delivery = { db, ring, clock, send: createSender(config.webhooks), tenantShare: createTenantShare(), count };
  reportKeyUsage(platform.metrics, { db, ring, clock }, "webhook secrets", KEY_USAGE);
  return {
    name: webhooksContract.name,
    mixins: [
      database(db),
      knownKeys({ db, ring, log }, "webhook secrets", SEALED_SECRETS),
      outboxRelay(outbox),
      eventConsumer(platform, consumerOptions(deps, "USERS")),
      eventConsumer(platform, consumerOptions(deps, "SESSIONS")),
    ],
    actions: implement(webhooksContract, {
      list: (ctx) => listEndpoints(deps, ctx),
      get: (ctx) => getEndpoint(deps, ctx),
      create: (ctx) => createEndpoint(deps, ctx),
      update: (ctx) => updateEndpoint(deps, ctx),
      delete: (ctx) => deleteEndpoint(deps, ctx),
      rotateSecret: (ctx) => rotateSecret(deps, ctx),
      test: (ctx) => sendTest(deps, ctx),
      deliveries: (ctx) => listDeliveries(deps, ctx),
      redeliver: (ctx) => redeliver(deps, ctx),
      deliver: (ctx) => deliver(delivery, ctx),
      erase: ({ params }) => eraseDeliveries(db, params.user_id),
      eraseTenant: ({ params }) => eraseTenant(deps, params.tenant_id),
      export: ({ caller, params }) => exportPage(exportSections(db), requireUser(caller).user_id, params.cursor),
      ...outboxOperations(db, outbox),
      keyUsage: () => readKeyUsage({ db, ring }, "webhook secrets", KEY_USAGE),
      rotateKeys: () => rotateKeys({ db, ring, log }),
      sweep: async () => ({
        ...(await sweepDeliveries(db)),
        previous_secrets: await deleteExpiredSecrets(db),
        ...(await sweepServiceTables(db)),
      }),
    }),
  };
}

function consumerOptions(deps: WebhooksDeps, stream: StreamName) {
  const record = (event: MeshEvent) => recordEvent(deps, event);
  const types = publicEventTypes.filter((type) => streamOf(type) === stream);
  const handlers = Object.fromEntries(types.map((type) => [type, record]));
  const erased = async (event: MeshEvent) => {
    await eraseDeliveries(deps.db, event.user_id);
    await record(event);
  };
  const service = webhooksContract.name;
  return { service, stream, handlers: stream === "USERS" ? { ...handlers, "user.erased": erased } : handlers };
}
