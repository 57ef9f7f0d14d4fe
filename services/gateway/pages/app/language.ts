import type { IncomingMessage } from "node:http";
import { acceptedLanguages } from "../../http/accept.ts";
import { readCookie } from "../../http/headers.ts";
import { readQuery } from "../../http/target.ts";

/** The first one is used where none of the reader's is available. */
export const languages = ["en", "fr"] as const;
export type Language = (typeof languages)[number];

/** Set by the language menu of the pages. */
export const LANGUAGE_COOKIE = "usermesh_language";

/** The language of a page: `?lang=`, or else the reader's choice on an earlier page, or else their browser's. */
export function readLanguage(request: IncomingMessage, query: string): Language {
  const { lang } = readQuery(query, ["lang"]);
  const preferred = [lang, readCookie(request, LANGUAGE_COOKIE), ...acceptedLanguages(request)];
  const found = preferred.map((tag) => languages.find((one) => one === tag?.toLowerCase().split("-")[0]));
  return found.find((one) => one !== undefined) ?? languages[0];
}
