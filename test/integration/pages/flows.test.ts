import { afterAll, beforeAll, describe } from "@jest/globals";
import type { Browser } from "playwright-core";
import { findChromium, launchChromium } from "../../support/clients/chromium.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../../support/fakes/webhook-receiver.ts";
import { describePageFlows } from "../../support/flows/page-flows.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

const executable = findChromium();

(executable === undefined ? describe.skip : describe)("on the pages, in one process", () => {
  let usermesh: Usermesh;
  let browser: Browser;
  let receiver: WebhookReceiver;
  beforeAll(async () => {
    receiver = await startWebhookReceiver();
    usermesh = await startUsermesh({ RATE_LIMIT_ENABLED: "true", WEBHOOK_ALLOW_PRIVATE_ADDRESSES: "true" });
    browser = await launchChromium(executable as string);
  });
  afterAll(async () => {
    await browser?.close();
    await usermesh?.stop();
    await receiver?.stop();
  });

  describePageFlows(() => ({ browser, url: usermesh.url, running: usermesh, receiver }), { isOpposite: false });
});
