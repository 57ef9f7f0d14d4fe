import type { Device } from "./sessions.repo.ts";

/** Read from the user agent once; the text itself is not kept. */
export function describeDevice(userAgent: string | null | undefined, name: string | null | undefined): Device {
  const text = userAgent ?? "";
  const os = firstMatch(systems, text);
  return { name: name ?? null, browser: firstMatch(browsers, text), os, type: typeOf(text, os) };
}

type Rules = ReadonlyArray<readonly [pattern: RegExp, name: string]>;

/** In this order: nearly everyone says Mozilla, Chrome or Safari too. */
const browsers: Rules = [
  [/\bEdgi?A?(?:OS)?\//, "Edge"],
  [/\b(?:OPR|Opera|OPiOS)\b/, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\bVivaldi\//, "Vivaldi"],
  [/\bYaBrowser\//, "Yandex"],
  [/\b(?:Firefox|FxiOS)\//, "Firefox"],
  [/\b(?:Chromium|Chrome|CriOS)\//, "Chrome"],
  [/\bVersion\/[\d.]+.*\bSafari\//, "Safari"],
  [/\b(?:MSIE |Trident\/)/, "Internet Explorer"],
  [/^curl\//, "curl"],
  [/^PostmanRuntime\//, "Postman"],
  [/\bokhttp\//, "okhttp"],
  [/\bDart\//, "Dart"],
  [/\bCFNetwork\//, "CFNetwork"],
  [/^(?:python-requests|python-httpx|aiohttp|Python)\b/, "Python"],
  [/^(?:node|undici|axios)\b/, "Node.js"],
];

const systems: Rules = [
  [/\biPad\b/, "iPadOS"],
  [/\b(?:iPhone|iPod)\b/, "iOS"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\b(?:Macintosh|Mac OS X|Darwin)\b/, "macOS"],
  [/\b(?:Linux|X11)\b/, "Linux"],
];

const bots = /bot\b|crawler|spider|slurp|\+https?:\/\//i;

function firstMatch(rules: Rules, text: string): string | null {
  return rules.find(([pattern]) => pattern.test(text))?.[1] ?? null;
}

function typeOf(text: string, os: string | null): Device["type"] {
  if (bots.test(text)) return "bot";
  if (
    os === "iPadOS" ||
    /\bTablet\b/.test(text) ||
    (os === "Android" && !/\bMobile\b/.test(text) && /\bMozilla\//.test(text))
  )
    return "tablet";
  if (os === "iOS" || os === "Android" || /\bMobile\b/.test(text)) return "mobile";
  return os === null ? "unknown" : "desktop";
}
