import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type MessageFormatElement, parse } from "@formatjs/icu-messageformat-parser";
import { IntlMessageFormat } from "intl-messageformat";
import { UI_DIR } from "../assets/sources.ts";
import type { Language } from "./language.ts";

export type Messages = Readonly<Record<string, string>>;

/** Reads a file of messages in ICU format (ui/messages/), by its keys. */
export async function readMessages(topic: string, language: Language): Promise<Messages> {
  return JSON.parse(await readFile(join(UI_DIR, "messages", `${topic}.${language}.json`), "utf8"));
}

/** A module that exports the messages. They are parsed here, so that browsers need no parser; plain text stays text. */
export async function messagesModule(topic: string, language: Language): Promise<string> {
  const entries = Object.entries(await readMessages(topic, language)).map(([key, text]) => [key, compile(text)]);
  return `export default ${JSON.stringify(Object.fromEntries(entries))};`;
}

function compile(text: string): string | MessageFormatElement[] {
  return /[{}<>']/.test(text) ? parse(text) : text;
}

/** Formats messages on the server, for pages without browser code. */
export function createTranslator(messages: Messages, language: Language) {
  const translate = (key: string, values: Readonly<Record<string, string | number>> = {}): string => {
    const text = messages[key];
    if (text === undefined) throw new Error(`There is no message ${key}.`);
    return String(new IntlMessageFormat(text, language).format(values));
  };
  return Object.assign(translate, { has: (key: string): boolean => Object.hasOwn(messages, key) });
}
