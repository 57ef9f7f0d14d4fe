import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Browser, BrowserContext, Page, Route } from "playwright-core";
import { createApiClient } from "../../support/clients/api-client.ts";
import { findChromium, launchChromium } from "../../support/clients/chromium.ts";
import { eventually } from "../../support/eventually.ts";
import { type Person, type Running, register } from "../../support/flows/main-flow.ts";
import { copyGuidePrograms } from "../../support/start/guide-programs.ts";
import { firstAdmin } from "../../support/start/installation.ts";
import { type RunningServices, startServices } from "../../support/start/services.ts";

const executable = findChromium();
const types: Readonly<Record<string, string>> = { html: "text/html", js: "text/javascript" };

/** Serves the app as a development server does: on an origin of its own. */
async function serveApp(stack: AsyncDisposableStack, folder: string, usermeshUrl: () => string): Promise<number> {
  const roots = {
    "/usermesh-client/": join(folder, "node_modules/@usermesh/client/dist/"),
    "/": join(folder, "single-page-app/"),
  };
  const server = createServer(async ({ url = "/" }, response) => {
    const [prefix, root] = Object.entries(roots).find(([one]) => url.startsWith(one)) as [string, string];
    const name = url === "/" ? "index.html" : url.slice(prefix.length);
    const text = await readFile(root + name, "utf8").catch(() => undefined);
    if (text === undefined) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": types[name.split(".").at(-1) ?? ""] ?? "text/plain" });
    response.end(text.replace("http://localhost:3000", usermeshUrl()));
  });
  server.listen(0);
  await once(server, "listening");
  stack.defer(async () => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

(executable === undefined ? describe.skip : describe)("a single-page app on another origin", () => {
  const stack = new AsyncDisposableStack();
  let running: Running;
  let services: RunningServices;
  let browser: Browser;
  let port: number;
  let person: Person;
  beforeAll(async () => {
    const folder = await copyGuidePrograms(stack);
    port = await serveApp(stack, folder, () => services.url);
    services = stack.adopt(await startServices("all", { ALLOWED_ORIGINS: `http://127.0.0.1:${port}` }), (one) =>
      one.stop(),
    );
    running = { api: createApiClient(services.url), admin: firstAdmin, mails: services.mails };
    browser = stack.adopt(await launchChromium(executable as string), (one) => one.close());
    person = await register(running);
  }, 120_000);
  afterAll(() => stack.disposeAsync());

  async function openTab(context: BrowserContext, origin = `http://127.0.0.1:${port}`): Promise<Page> {
    const page = await context.newPage();
    await page.goto(origin);
    return page;
  }
  async function signIn(page: Page): Promise<void> {
    await page.getByLabel("Email").fill(person.email);
    await page.getByLabel("Password").fill(person.password);
    await page.getByRole("button", { name: "Sign in" }).click();
  }
  const greeting = (page: Page, tier: string) => page.getByText(`Signed in as ${person.email}, ${tier}`).waitFor();
  const reload = (page: Page) => page.getByRole("button", { name: "Reload" }).click();

  /** Two tabs of one browser whose access token is stale. */
  async function openStaleTabs(): Promise<{ context: BrowserContext; tabs: [Page, Page] }> {
    person = await register(running);
    const context = await browser.newContext();
    const first = await openTab(context);
    await signIn(first);
    await greeting(first, "basic");
    const second = await openTab(context);
    await greeting(second, "basic");
    const stored = await first.evaluate(() => localStorage.getItem("usermesh"));
    const { accessToken } = JSON.parse(String(stored));
    expect((await running.api.post("users/me/upgrade", {}, accessToken)).status).toBe(200);
    return { context, tabs: [first, second] };
  }
  /** Lets refreshes wait until `release`, and notes how many there were. */
  async function holdRefreshes(context: BrowserContext) {
    const held: Route[] = [];
    let isHolding = true;
    let count = 0;
    await context.route("**/api/v1/auth/refresh", async (route) => {
      count += 1;
      if (isHolding) held.push(route);
      else await route.continue();
    });
    const release = async () => {
      isHolding = false;
      for (const route of held) await route.continue().catch(() => undefined);
    };
    return { release, count: () => count };
  }
  const locks = (page: Page) =>
    page.evaluate(async () => {
      const { held = [], pending = [] } = await navigator.locks.query();
      return [held.length, pending.length];
    });

  test("signs in, stays signed in after a reload, and out in all tabs", async () => {
    const context = await browser.newContext();
    const first = await openTab(context);
    await signIn(first);
    await greeting(first, "basic");
    await first.reload();
    await greeting(first, "basic");
    const second = await openTab(context);
    await greeting(second, "basic");
    await second.getByRole("button", { name: "Sign out" }).click();
    await first.getByRole("button", { name: "Sign in" }).waitFor();
    await context.close();
  });

  test("an origin that is not in ALLOWED_ORIGINS gets no answer that its script can read", async () => {
    const context = await browser.newContext();
    const page = await openTab(context, `http://localhost:${port}`);
    const errors: string[] = [];
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    await signIn(page);
    await page.getByText("network_error").waitFor();
    expect(errors.join()).toContain("CORS policy");
    await context.close();
  });

  test("two tabs with a stale token refresh once: the second waits for the lock of the first", async () => {
    const { context, tabs } = await openStaleTabs();
    const refreshes = await holdRefreshes(context);
    await Promise.all(tabs.map(reload));
    await eventually("a tab that refreshes and one that waits", async () => {
      return JSON.stringify(await locks(tabs[0])) === "[1,1]";
    });
    await refreshes.release();
    await Promise.all(tabs.map((tab) => greeting(tab, "premium")));
    expect(refreshes.count()).toBe(1);
    await context.close();
  });

  test("a tab that is closed while it refreshes leaves the lock to the other one", async () => {
    const { context, tabs } = await openStaleTabs();
    const refreshes = await holdRefreshes(context);
    await reload(tabs[0]);
    await eventually("a refresh", () => refreshes.count() === 1);
    await reload(tabs[1]);
    await eventually("the other tab that waits", async () => JSON.stringify(await locks(tabs[1])) === "[1,1]");
    await tabs[0].close();
    await eventually("its own refresh", () => refreshes.count() === 2);
    await refreshes.release();
    await greeting(tabs[1], "premium");
    await context.close();
  });
});
