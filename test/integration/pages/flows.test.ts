import { afterAll, beforeAll, describe } from "@jest/globals";
import type { Browser } from "playwright-core";
import { findChromium, launchChromium } from "../../support/clients/chromium.ts";
import { describePageFlows } from "../../support/flows/page-flows.ts";
import { type PageServers, startPageServers } from "../../support/start/page-stage.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

const executable = findChromium();

(executable === undefined ? describe.skip : describe)("on the pages, in one process", () => {
  let usermesh: Usermesh;
  let browser: Browser;
  let servers: PageServers;
  beforeAll(async () => {
    servers = await startPageServers("127.0.0.1");
    usermesh = await startUsermesh(servers.env);
    browser = await launchChromium(executable as string);
  });
  afterAll(async () => {
    await browser?.close();
    await usermesh?.stop();
    await servers?.stop();
  });

  const running = () => ({ ...usermesh, mails: servers.smtp.mails });
  describePageFlows(() => ({ ...servers, browser, url: usermesh.url, running: running() }), { isOpposite: false });
});
