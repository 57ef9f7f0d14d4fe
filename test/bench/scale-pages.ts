import type { Browser, Page } from "playwright-core";
import { findChromium, launchChromium } from "../support/clients/chromium.ts";
import { openSignedIn, openViewer, type Viewer } from "../support/clients/page-driver.ts";
import { median } from "./table.ts";

interface Installation {
  readonly url: string;
  readonly admin: { readonly email: string; readonly password: string };
}

interface Timing {
  readonly name: string;
  readonly goal: number;
  /** Milliseconds, one for each round. */
  readonly times: number[];
}

const ANSWER_MS = 300;
const INTERACTIVE_MS = 1_000;

/**
 * `when(condition)` resolves to the time at which the frame is drawn that first fulfils the condition, in milliseconds since
 * the navigation. It is a string, because this file is type-checked for Node.js and not for browsers.
 */
const clock = `
  globalThis.when = (condition) => new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("Timed out waiting for: " + condition + " " + document.body.innerText)), 20_000);
    const look = () => {
      if (!condition()) return;
      observer.disconnect();
      requestAnimationFrame(() => resolve(performance.now()));
    };
    const observer = new MutationObserver(look);
    observer.observe(document, { childList: true, subtree: true, attributes: true, characterData: true });
    look();
  });
  globalThis.firstRow = () => document.querySelector(".table:not([aria-busy]) tbody tr")?.textContent ?? "";
  globalThis.shown = when(() => document.querySelector("h1") && !document.querySelector(".skeleton"));`;

/** How long a person waits for the console when there are many accounts: in Chromium, with the rate limits of the API. */
export async function measurePages(installation: Installation, rounds: number): Promise<Timing[]> {
  const executable = findChromium();
  if (executable === undefined) throw new Error("Chromium is needed to measure pages.");
  const browser = await launchChromium(executable);
  try {
    const timings = new Map<string, Timing>();
    const note = (name: string, goal: number, time: number) => {
      const timing = timings.get(name) ?? { name, goal, times: [] };
      timing.times.push(time);
      timings.set(name, timing);
    };
    // The first round warms up the installation, as its first visitor would.
    for (let round = 0; round <= rounds; round += 1) {
      const noted = round === 0 ? () => undefined : note;
      await firstVisits(browser, installation, noted);
      await walkThrough(browser, installation, noted);
    }
    return [...timings.values()];
  } finally {
    await browser.close();
  }
}

type Note = (name: string, goal: number, time: number) => void;

const pages = ["/login", "/account", "/admin", "/admin/accounts", "/admin/activity", "/mesh"];

/** Each page in a browser that has nothing in its cache. */
async function firstVisits(browser: Browser, { url, admin }: Installation, note: Note): Promise<void> {
  for (const path of pages) {
    const viewer =
      path === "/login" ? await openViewer(browser, url) : await openSignedIn(browser, url, admin, "/favicon.svg");
    await viewer.page.addInitScript(clock);
    await viewer.page.goto(url + path, { waitUntil: "commit" });
    note(`${path}, first visit`, INTERACTIVE_MS, await viewer.page.evaluate("shown"));
    await close(viewer);
  }
}

/** From the overview to the accounts, and what an administrator does there. */
async function walkThrough(browser: Browser, { url, admin }: Installation, note: Note): Promise<void> {
  const viewer = await openSignedIn(browser, url, admin, "/favicon.svg");
  const { page } = viewer;
  await page.addInitScript(clock);
  await page.goto(`${url}/admin`);
  await page.evaluate("shown");
  note("accounts, page 1", ANSWER_MS, await afterClick(page, 'nav a[href$="/admin/accounts"]', rowChanged));
  note("accounts, page 2", ANSWER_MS, await afterClick(page, ".listing-foot .button:last-child", rowChanged));
  for (const [what, text] of searches) note(`search, ${what}`, ANSWER_MS, await search(page, text));
  await search(page, "zimmermann");
  const opened = `() => document.querySelector(".summary")`;
  note("one account, from the list", INTERACTIVE_MS, await afterClick(page, ".row-link", opened));
  await close(viewer);
}

const searches = [
  ["a rare name", "zephyrine"],
  ["a common name", "zimmermann"],
  ["two words", "yuki zimmermann"],
  ["an address", "zephyrine@example.com"],
] as const;

const rowChanged = "((before) => () => firstRow() !== '' && firstRow() !== before)(firstRow())";

function afterClick(page: Page, selector: string, condition: string): Promise<number> {
  return page.evaluate(`(async () => {
    const shown = when(${condition});
    const began = performance.now();
    document.querySelector(${JSON.stringify(selector)}).click();
    return (await shown) - began;
  })()`);
}

/** From the last letter that is typed to the answer on the screen. */
async function search(page: Page, text: string): Promise<number> {
  const last = JSON.stringify(text.split(" ").at(-1)?.split("@")[0]);
  await page.locator("[name=q]").fill("");
  await page.evaluate("when(() => !location.search.includes('q=') && firstRow() !== '')");
  await page.evaluate(`addEventListener("input", () => { globalThis.typedAt = performance.now(); })`);
  await page.locator("[name=q]").pressSequentially(text, { delay: 40 });
  const answered: number = await page.evaluate(
    `when(() => document.querySelector(".empty") || firstRow().toLowerCase().includes(${last}))`,
  );
  return answered - (await page.evaluate<number>("typedAt"));
}

async function close({ context, complaints }: Viewer): Promise<void> {
  await context.close();
  if (complaints.length > 0) throw new Error(`The browser's console has errors: ${complaints.join("; ")}`);
}

export function pageTable(timings: readonly Timing[]): string {
  const cells = (name: string, columns: readonly string[]) =>
    name.padEnd(34) + columns.map((text) => text.padStart(12)).join("");
  const rows = timings.map(({ name, goal, times }) => {
    const [middle, worst] = [median(times), Math.max(...times)];
    return cells(name, [middle.toFixed(0), worst.toFixed(0), `≤ ${goal}`, middle > goal ? "missed" : ""]);
  });
  return [cells("ms until it is on the screen", ["median", "worst", "goal"]), ...rows].join("\n");
}
