import type { MessageFormatElement } from "@formatjs/icu-messageformat-parser";
import { IntlMessageFormat } from "intl-messageformat";
import type { ComponentChild } from "preact";
import { config } from "./config.ts";

type Message = string | MessageFormatElement[];
type Value = string | number | Date;

const messages = new Map<string, Message>();
const formats = new Map<string, IntlMessageFormat>();

/** To be awaited before anything is rendered. */
export async function loadMessages(): Promise<void> {
  const modules = await Promise.all(config.messages.map((url) => import(url) as Promise<{ default: object }>));
  for (const { default: texts } of modules)
    for (const [key, message] of Object.entries(texts)) messages.set(key, message);
}

/** True if there is a message for a key that was made from a value, such as an error code. */
export function hasMessage(key: string): boolean {
  return messages.has(key);
}

/** The rest of each message key that begins with `prefix`. */
export function messagesUnder(prefix: string): string[] {
  return [...messages.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
}

/** The text of a message in the reader's language. */
export function t(key: string, values?: Readonly<Record<string, Value>>): string {
  const message = messages.get(key);
  if (message === undefined) return key;
  return typeof message === "string" ? message : String(formatOf(key, message).format(values));
}

/** A message with elements in it: `<link>…</link>` in its text is what `values.link` makes of its content. */
export function rich(
  key: string,
  values: Readonly<Record<string, Value | ((content: ComponentChild[]) => ComponentChild)>>,
): ComponentChild {
  const message = messages.get(key);
  if (message === undefined || typeof message === "string") return message ?? key;
  return formatOf(key, message).format<ComponentChild>(values as never) as ComponentChild;
}

function formatOf(key: string, message: MessageFormatElement[]): IntlMessageFormat {
  const format = formats.get(key) ?? new IntlMessageFormat(message, config.language);
  formats.set(key, format);
  return format;
}

const dateTime = new Intl.DateTimeFormat(config.language, { dateStyle: "medium", timeStyle: "short" });
const date = new Intl.DateTimeFormat(config.language, { dateStyle: "long" });
const relative = new Intl.RelativeTimeFormat(config.language, { numeric: "auto" });
const number = new Intl.NumberFormat(config.language);

export const formatDateTime = (iso: string): string => dateTime.format(new Date(iso));
export const formatDate = (iso: string): string => date.format(new Date(iso));
export const formatNumber = (value: number): string => number.format(value);

const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

/** "5 minutes ago", "yesterday". */
export function formatRelative(iso: string, now = Date.now()): string {
  const seconds = (new Date(iso).getTime() - now) / 1_000;
  for (const [unit, size] of UNITS)
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  return relative.format(0, "second");
}
