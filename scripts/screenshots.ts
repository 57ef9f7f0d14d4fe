import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Browser, BrowserContext } from "playwright-core";
import sharp from "sharp";
import { findChromium, launchChromium } from "../test/support/clients/chromium.ts";
import { print } from "./run/terminal.ts";

/**
 * `npm run screenshots`: takes the pictures of docs/images/ from a running installation, such as `npm start`, in which it
 * registers a person with some history. `RATE_LIMIT_ENABLED=false` lets it run several times a minute. The console is
 * opened as ADMIN_EMAIL (admin@example.com) with ADMIN_PASSWORD, and shows most on a mesh with seeded accounts.
 * WEBHOOK_ALLOW_PRIVATE_ADDRESSES=true lets it receive the messages of a webhook.
 * Arguments: the URL of the installation, and the beginning of the names of the pictures to take.
 */
interface Shot {
  readonly name: string;
  readonly path: string;
  readonly signedIn?: "person" | "admin";
  /** Requests are made meanwhile, so that there is something to see. */
  readonly isBusy?: true;
  readonly width?: number;
  readonly colorScheme?: "light" | "dark";
  readonly locale?: string;
  /** What to click before the picture is taken. */
  readonly open?: string;
}

const shots: readonly Shot[] = [
  { name: "home", path: "/" },
  { name: "login", path: "/login" },
  { name: "login-dark", path: "/login", colorScheme: "dark" },
  { name: "register", path: "/register" },
  { name: "register-phone-french", path: "/register", width: 390, colorScheme: "dark", locale: "fr" },
  { name: "reset-password", path: "/reset-password#token=example" },
  { name: "account", path: "/account", signedIn: "person" },
  { name: "account-security", path: "/account/security", signedIn: "person" },
  { name: "account-security-dark", path: "/account/security", signedIn: "person", colorScheme: "dark" },
  { name: "account-activity", path: "/account/activity", signedIn: "person" },
  { name: "account-phone", path: "/account", signedIn: "person", width: 390 },
  { name: "mailbox", path: "/dev/mail", open: ".mails-row" },
  { name: "mail-samples-dark", path: "/dev/mail/samples#reset_password", width: 1440, colorScheme: "dark" },
  { name: "mail-phone-french", path: "/dev/mail/samples/password_changed-reset-fr", width: 390 },
  { name: "admin", path: "/admin", signedIn: "admin" },
  { name: "admin-accounts", path: "/admin/accounts", signedIn: "admin" },
  { name: "admin-accounts-phone", path: "/admin/accounts", signedIn: "admin", width: 390, colorScheme: "dark" },
  { name: "admin-account", path: "/admin/accounts/{id}", signedIn: "admin" },
  { name: "admin-add-account", path: "/admin/accounts", signedIn: "admin", open: ".console-title .button" },
  { name: "admin-activity-dark", path: "/admin/activity", signedIn: "admin", colorScheme: "dark" },
  { name: "admin-roles", path: "/admin/roles", signedIn: "admin" },
  { name: "admin-tenants", path: "/admin/tenants", signedIn: "admin" },
  { name: "admin-tenant-dark", path: "/admin/tenants/{tenant}", signedIn: "admin", colorScheme: "dark" },
  { name: "admin-webhooks", path: "/admin/webhooks", signedIn: "admin" },
  { name: "admin-webhook", path: "/admin/webhooks/{webhook}", signedIn: "admin", open: ".letter summary" },
  {
    name: "admin-webhook-phone",
    path: "/admin/webhooks/{webhook}",
    signedIn: "admin",
    width: 390,
    colorScheme: "dark",
  },
  { name: "admin-add-webhook", path: "/admin/webhooks", signedIn: "admin", open: ".console-title .button" },
  { name: "admin-queues", path: "/admin/queues", signedIn: "admin" },
  { name: "admin-erasures", path: "/admin/erasures", signedIn: "admin" },
  { name: "admin-keys", path: "/admin/keys", signedIn: "admin" },
  { name: "mesh", path: "/mesh", signedIn: "admin", isBusy: true },
  { name: "mesh-dark", path: "/mesh", signedIn: "admin", isBusy: true, colorScheme: "dark" },
  { name: "mesh-journey", path: "/mesh?request={request}", signedIn: "admin", isBusy: true },
];

const { positionals } = parseArgs({ allowPositionals: true });
const [url = "http://localhost:3000", only] = positionals;
const origin = url.replace(/\/$/, "");
const directory = "docs/images";
const person = { email: "ada.lovelace@example.com", password: "Difference-Engine-1" };
const { ADMIN_EMAIL = "admin@example.com", ADMIN_PASSWORD = "" } = process.env;
const signIns = { person, admin: { email: ADMIN_EMAIL, password: ADMIN_PASSWORD } };
const browserName =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
const devices = [
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_1) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
];

async function send(method: string, path: string, body: object, headers: Record<string, string> = {}) {
  const init = { method, headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) };
  const response = await fetch(`${origin}/api/v1/${path}`, init);
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return ((await response.json()) as { data: Record<string, string> }).data;
}

/** The id of the person, and the correlation id of another person's registration. */
async function createPerson(): Promise<{ id: string; request: string }> {
  // An earlier run may have registered them.
  await send("POST", "auth/register", { ...person, full_name: "Ada Lovelace" }).catch((error: Error) =>
    print(error.message),
  );
  for (const device of devices) await send("POST", "auth/login", person, { "User-Agent": device });
  const { access_token } = await send("POST", "auth/login", person);
  const headers = { Authorization: `Bearer ${access_token}` };
  const about = { username: "ada", current_title: "Mathematician", company: "Analytical Engines", location: "London" };
  const bio = "I write programs for machines that have yet to be built.";
  await send("PATCH", "users/me", { ...about, bio }, headers);
  await send(
    "PATCH",
    "users/me/profile",
    { headline: "First programmer", website_url: "https://example.com" },
    headers,
  );
  const { id = "" } = await send("PATCH", "users/me", {}, headers);
  await send("POST", "auth/logout", {}, headers);
  await send("POST", "auth/password-reset-request", { email: person.email });
  const request = `screenshot-${Date.now()}`;
  const other = { email: `${request}@example.com`, password: person.password, full_name: "Grace Hopper" };
  await send("POST", "auth/register", other, { "X-Correlation-ID": request });
  return { id, request };
}

async function signInAsAdmin(): Promise<Record<string, string>> {
  const { access_token } = await send("POST", "auth/login", signIns.admin);
  return { Authorization: `Bearer ${access_token}` };
}

async function list(path: string, headers: Record<string, string>) {
  const response = await fetch(`${origin}/api/v1/${path}`, { headers });
  return ((await response.json()) as { data: ReadonlyArray<Record<string, string>> }).data;
}

const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256" viewBox="0 0 32 32"><circle cx="16" cy="16" r="15" fill="#b4451f"/><path d="M9 23l7-15 7 15M11.500 18.500h9" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/></svg>`;

/** The id of a tenant that this creates, or that an earlier run has created. */
async function createTenant(): Promise<string> {
  const headers = await signInAsAdmin();
  const tenant = { name: "Acme", slug: "acme", admin_email: "wile@acme.example.com" };
  await send("POST", "admin/tenants", tenant, headers).catch((error: Error) => print(error.message));
  const { id = "" } = (await list("admin/tenants?limit=100", headers)).find(({ slug }) => slug === tenant.slug) ?? {};
  await send("PATCH", `admin/tenants/${id}`, { settings: { brand_color: "#b4451f" } }, headers);
  const body = new FormData();
  body.append("file", new Blob([new Uint8Array(await sharp(Buffer.from(LOGO)).png().toBuffer())]));
  await fetch(`${origin}/api/v1/admin/tenants/${id}/logo`, { method: "POST", headers, body });
  return id;
}

const DELIVERY_MS = 2_000;

/** The id of a webhook with messages that arrived and one that did not, which this creates unless an earlier run has. */
async function createWebhook(): Promise<string> {
  const headers = await signInAsAdmin();
  const known = (await list("admin/webhooks", headers)).find(({ description }) => description === "Customer database");
  if (known) return known.id ?? "";
  const receiver = createServer((_, response) => response.writeHead(204).end());
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
  const local = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  const { id = "" } = await send("POST", "admin/webhooks", { description: "Customer database", url: local }, headers);
  await send("POST", "auth/register", { email: `webhook-${Date.now()}@example.com`, password: person.password });
  await send("POST", "auth/login", person);
  await send("POST", `admin/webhooks/${id}/test`, {}, headers);
  await setTimeout(DELIVERY_MS);
  receiver.close();
  await send("PATCH", `admin/webhooks/${id}`, { url: "https://hooks.acme.example/usermesh" }, headers);
  await send("POST", `admin/webhooks/${id}/test`, {}, headers);
  const archive = { description: "Audit archive", url: "https://archive.example.com/in", event_types: ["user.erased"] };
  const { id: other } = await send("POST", "admin/webhooks", archive, headers);
  await send("PATCH", `admin/webhooks/${other}`, { is_enabled: false }, headers);
  await setTimeout(DELIVERY_MS);
  return id;
}

/** Sends everyday requests until it is stopped, so that the mesh view has something to show. */
function makeRequests(): () => void {
  let isStopped = false;
  const work = async () => {
    while (!isStopped) {
      const { access_token } = await send("POST", "auth/login", person);
      const headers = { Authorization: `Bearer ${access_token}` };
      for (let count = 0; count < 8; count += 1)
        await Promise.all([send("PATCH", "users/me", {}, headers), send("PATCH", "users/me/profile", {}, headers)]);
    }
  };
  work().catch((error: Error) => print(error.message));
  return () => {
    isStopped = true;
  };
}

async function openContext(browser: Browser, shot: Shot): Promise<BrowserContext> {
  const { width = 1280, colorScheme = "light", locale = "en", signedIn } = shot;
  const viewport = { width, height: width < 600 ? 844 : 820 };
  const context = await browser.newContext({
    viewport,
    colorScheme,
    locale,
    reducedMotion: "reduce",
    userAgent: browserName,
  });
  if (signedIn) {
    const response = await context.request.post(`${origin}/api/v1/auth/login`, {
      data: { ...signIns[signedIn], use_cookies: true },
    });
    if (!response.ok()) throw new Error(`Sign-in: ${response.status()}`);
  }
  return context;
}

/** The mesh view computes rates from two answers, so it shows none before the second. */
const BUSY_MS = 7_000;

async function take(browser: Browser, shot: Shot, ids: Readonly<Record<string, string>>): Promise<void> {
  const stop = shot.isBusy ? makeRequests() : () => undefined;
  const context = await openContext(browser, shot);
  const page = await context.newPage();
  await page.goto(origin + shot.path.replace(/\{(\w+)\}/, (_, name) => ids[name] ?? ""));
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.locator(".skeleton").first().waitFor({ state: "detached" });
  if (shot.open !== undefined) await page.locator(shot.open).first().click();
  if ((await page.locator("iframe").count()) > 0) await page.frameLocator("iframe").first().locator("h1").waitFor();
  await page.evaluate("document.fonts.ready.then(() => true)");
  await page.waitForLoadState("networkidle").catch(() => undefined);
  if (shot.isBusy) await page.waitForTimeout(BUSY_MS);
  stop();
  await page.screenshot({ path: `${directory}/${shot.name}.png` });
  await context.close();
  print(`${directory}/${shot.name}.png`);
}

const executable = findChromium();
if (executable === undefined) throw new Error("Chromium is needed to take screenshots.");
await mkdir(directory, { recursive: true });
const ids = { ...(await createPerson()), tenant: await createTenant(), webhook: await createWebhook() };
const browser = await launchChromium(executable);
try {
  for (const shot of shots.filter(({ name }) => only === undefined || name.startsWith(only)))
    await take(browser, shot, ids);
} finally {
  await browser.close();
}
