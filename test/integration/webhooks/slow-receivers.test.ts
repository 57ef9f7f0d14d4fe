import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startWebhooks, type Webhooks } from "../../support/data/webhooks.ts";
import { eventually } from "../../support/eventually.ts";

const MESSAGES = 30;
/** MAX_REQUESTS of services/webhooks/deliveries/tenant-share.ts. */
const AT_ONCE = 5;

let webhooks: Webhooks;
beforeAll(async () => {
  webhooks = await startWebhooks();
});
afterAll(() => webhooks?.stop());

test("slow receivers of a tenant get five requests at once, and every message; those of others get theirs meanwhile", async () => {
  const [slow, other] = [await webhooks.tenant(), await webhooks.tenant()];
  const crowded = await webhooks.create(slow.admin.access, { url: `${webhooks.receiver.url}/slow` });
  const quick = await webhooks.create(other.admin.access);
  let [open, most] = [0, 0];
  webhooks.receiver.behave((response, { path }) => {
    if (path !== "/slow") return void response.writeHead(204).end();
    open += 1;
    most = Math.max(most, open);
    setTimeout(() => {
      open -= 1;
      response.writeHead(204).end();
    }, 1_000);
  });
  for (let n = 0; n < MESSAGES; n += 1) await webhooks.sendTest(slow.admin.access, crowded.id);
  await webhooks.sendTest(other.admin.access, quick.id);
  await webhooks.delivery(other.admin.access, quick.id, "delivered");
  const arrived = () => webhooks.receiver.received.filter(({ path }) => path === "/slow");
  expect(arrived().length).toBeLessThan(MESSAGES);
  await eventually("all of the slow messages", async () => arrived().length === MESSAGES, { within: 60_000 });
  expect(new Set(arrived().map(({ headers }) => headers["webhook-id"])).size).toBe(MESSAGES);
  expect(most).toBe(AT_ONCE);
}, 90_000);
