import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const places = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** A Chromium of this machine; `CHROMIUM` names another. Undefined, and one line that says so, where there is none. */
export function findChromium(): string | undefined {
  const inPath = (process.env.PATH ?? "").split(delimiter).flatMap((dir) => names.map((name) => join(dir, name)));
  const found = [process.env.CHROMIUM ?? "", ...inPath, ...places].find((path) => path !== "" && existsSync(path));
  if (found === undefined)
    process.stderr.write("No Chromium found: the pages are not tried in a browser (CHROMIUM=<path> names one).\n");
  return found;
}

export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, headless: true, args: ["--no-sandbox"] });
}
