import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Browser, BrowserContext, Page } from "playwright-core";

export interface Viewer {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Console errors, uncaught errors, and requests to other servers. */
  readonly complaints: string[];
}

export interface ViewerOptions {
  readonly width?: number;
  readonly colorScheme?: "light" | "dark";
  readonly locale?: string;
  /** Parts of console errors that the test causes on purpose. */
  readonly expected?: readonly string[];
}

/** A browser of its own, without cookies, that notes what must not happen on any page. */
export async function openViewer(browser: Browser, origin: string, options: ViewerOptions = {}): Promise<Viewer> {
  const { width = 1280, colorScheme = "light", locale = "en", expected = [] } = options;
  const viewport = { width, height: 844 };
  // Without a graphics card, each frame of an animation costs CPU time.
  const context = await browser.newContext({ viewport, colorScheme, locale, reducedMotion: "reduce" });
  const page = await context.newPage();
  const complaints: string[] = [];
  const complain = (text: string) => expected.some((part) => text.includes(part)) || complaints.push(text);
  page.on("console", (message) => message.type() === "error" && complain(message.text()));
  page.on("pageerror", (error) => complain(error.message));
  page.on("request", (request) => {
    if (/^https?:/.test(request.url()) && !request.url().startsWith(origin)) complain(`asked ${request.url()}`);
  });
  return { page, context, complaints };
}

/** A browser of its own in which somebody is signed in with cookies, as our sign-in page does it. */
export async function openSignedIn(
  browser: Browser,
  url: string,
  { email, password }: { readonly email: string; readonly password: string },
  path: string,
  options: ViewerOptions = {},
): Promise<Viewer> {
  const viewer = await openViewer(browser, url, options);
  const data = { email, password, use_cookies: true };
  await viewer.context.request.post(`${url}/api/v1/auth/login`, { data });
  await viewer.page.goto(url + path);
  return viewer;
}

/** To be called after each test: a page that stays open keeps one of the few event streams that its user may have. */
export async function closeViewers(browser: Browser): Promise<void> {
  await Promise.all(browser.contexts().map((context) => context.close()));
}

/** Waits until a section of the console is there. If it is not, the text of the page tells why. */
export async function sectionShown(page: Page): Promise<void> {
  try {
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.locator(".skeleton").first().waitFor({ state: "detached" });
  } catch (cause) {
    throw new Error(`${page.url()} shows: ${await page.locator("body").textContent()}`, { cause });
  }
}

export const titleShown = (page: Page, name: string) => page.getByRole("heading", { name, level: 1 }).waitFor();

export const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();

/** Presses Tab until the element has the focus, as somebody without a mouse does. */
export async function tabTo(page: Page, role: "button" | "link" | "textbox" | "checkbox", name: string): Promise<void> {
  const wanted = page.getByRole(role, { name, exact: true }).first();
  await wanted.waitFor();
  for (let presses = 0; presses < 80; presses += 1) {
    const hasFocus = await wanted.evaluate(
      (element) => element === (element.ownerDocument as { activeElement: unknown }).activeElement,
    );
    if (hasFocus) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`${name} cannot be reached with the keyboard.`);
}

const axe = readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe-core looks for: all of WCAG 2.2 A and AA, or what depends on colours and widths. */
const rules = {
  all: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  looks: ["color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable"],
};
type Rules = keyof typeof rules;

/** One line each. */
async function accessibilityFaults(page: Page, wanted: Rules): Promise<string[]> {
  if (await page.evaluate("!('axe' in window)")) await page.evaluate(await axe);
  return page.evaluate(`axe.run(document, {
    runOnly: ${JSON.stringify(rules[wanted])},
    resultTypes: ["violations"],
  }).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => id + ": " + node.html.slice(0, 160) + " " + (node.failureSummary ?? "").replace(/\\s+/g, " ").slice(0, 200))))`);
}

/** True if something is wider than the window, so that the reader has to scroll sideways. */
function overflows(page: Page): Promise<boolean> {
  return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth");
}

/** Resolves when the new colours are drawn and their transitions have ended: until then axe sees those in between. */
const settled = `new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
  .then(() => Promise.allSettled(document.getAnimations().map((one) => one.finished)))
  .then(() => undefined)`;

/**
 * All rules run in the first two modes. The other two combine the same widths and colours differently, so only rules that
 * depend on these run again.
 */
const looks = [
  { colorScheme: "light", width: 390, wanted: "all" },
  { colorScheme: "dark", width: 1280, wanted: "all" },
  { colorScheme: "dark", width: 390, wanted: "looks" },
  { colorScheme: "light", width: 1280, wanted: "looks" },
] as const;

/** Faults of a page as it is now: light and dark, narrow and wide. */
export async function faultsInAllModes(page: Page): Promise<string[]> {
  const faults: string[] = [];
  for (const { colorScheme, width, wanted } of looks) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize({ width, height: 844 });
    faults.push(...(await faultsOf(page, wanted)).map((fault) => `${colorScheme} ${width}: ${fault}`));
  }
  return faults;
}

/** Faults of a page as it is now. */
export async function faultsOf(page: Page, wanted: Rules = "all"): Promise<string[]> {
  await page.evaluate(settled);
  const found = await accessibilityFaults(page, wanted);
  if (await overflows(page)) found.push("is wider than the window");
  return found.map((fault) => `${new URL(page.url()).pathname}: ${fault}`);
}

/** Opens a page, and adds up the bodies of everything it has loaded, in bytes as sent. */
export async function measureLoad(page: Page, url: string): Promise<number> {
  const sizes: Array<Promise<number>> = [];
  page.on("requestfinished", (request) =>
    sizes.push(request.sizes().then(({ responseBodySize }) => Math.max(0, responseBodySize))),
  );
  await page.goto(url, { waitUntil: "networkidle" });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
