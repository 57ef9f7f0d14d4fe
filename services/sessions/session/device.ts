import type { Device } from "./sessions.repo.ts";

/** Derived from the user agent when the session is created; the text itself is not stored. */
export function describeDevice(userAgent: string | null | undefined, name: string | null | undefined): Device {
  const text = userAgent ?? "";
  const os = firstMatch(OPERATING_SYSTEMS, text);
  return { name: name ?? null, browser: firstMatch(BROWSERS, text), os, type: typeOf(text, os) };
}

type Rules = ReadonlyArray<readonly [pattern: RegExp, name: string]>;

/** The order matters: most browsers also name Mozilla, Chrome or Safari. */
const BROWSERS: Rules = [
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

const OPERATING_SYSTEMS: Rules = [
  [/\biPad\b/, "iPadOS"],
  [/\b(?:iPhone|iPod)\b/, "iOS"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\b(?:Macintosh|Mac OS X|Darwin)\b/, "macOS"],
  [/\b(?:Linux|X11)\b/, "Linux"],
];

/** Bots name themselves as such, or name a web page about themselves. Cubot is a brand of phones. */
const BOT = /(?<!cu)bot\b|crawler|spider|slurp|\+https?:\/\//i;

function firstMatch(rules: Rules, text: string): string | null {
  return rules.find(([pattern]) => pattern.test(text))?.[1] ?? null;
}

function typeOf(text: string, os: string | null): Device["type"] {
  if (BOT.test(text)) return "bot";
  if (os === "iPadOS" || /\bTablet\b/.test(text) || (os === "Android" && isTabletBrowser(text))) return "tablet";
  if (os === "iOS" || os === "Android" || /\bMobile\b/.test(text)) return "mobile";
  return os === null ? "unknown" : "desktop";
}

/** Browsers on Android send `Mobile` on phones only. Apps, which do not send `Mozilla`, may omit it on phones too. */
function isTabletBrowser(text: string): boolean {
  return /\bMozilla\//.test(text) && !/\bMobile\b/.test(text);
}
