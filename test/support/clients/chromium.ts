import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Browser } from "playwright-core";

/** In order of preference: the headless shell needs half the CPU time of the others. */
const names = [
  "chromium-headless-shell",
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
  "chrome",
];
const places = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** A Chromium of this machine; `CHROMIUM` names another. */
export function findChromium(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const inPath = names.flatMap((name) => folders.map((dir) => join(dir, name)));
  return [process.env.CHROMIUM ?? "", ...inPath, ...places].find((path) => path !== "" && existsSync(path));
}

export async function launchChromium(executablePath: string): Promise<Browser> {
  // It is loaded here, because jest's configuration, which every run reads, only asks for the path.
  const { chromium } = await import("playwright-core");
  return chromium.launch({ executablePath, headless: true, args: ["--no-sandbox", "--disable-gpu"] });
}
