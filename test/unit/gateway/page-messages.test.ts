import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "@formatjs/icu-messageformat-parser";
import { describe, expect, test } from "@jest/globals";
import { publicEventTypes } from "../../../lib/contracts/public-events.contract.ts";
import { queueNames } from "../../../lib/runtime/platform.ts";
import { appPages } from "../../../services/gateway/pages/app/app-pages.ts";
import { languages } from "../../../services/gateway/pages/app/language.ts";
import { permissions } from "../../../services/users/roles/permissions.ts";

const ui = "services/gateway/ui";
const files = readdirSync(join(ui, "messages"));
const topics = [...new Set(files.map((file) => file.split(".")[0] as string))];

function messagesOf(topic: string, language: string): Record<string, string> {
  return JSON.parse(readFileSync(join(ui, "messages", `${topic}.${language}.json`), "utf8"));
}

/** Names of the values in a message, and of its elements. */
function valuesOf(text: string): string[] {
  const names = [...JSON.stringify(parse(text)).matchAll(/"type":[1-68],"value":"(\w+)"/g)].map(
    ([, name = ""]) => name,
  );
  return [...new Set(names)].sort();
}

const sources = readdirSync(ui, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => ({ file, text: readFileSync(join(ui, file), "utf8") }));
const usedKeys = sources.flatMap(({ file, text }) =>
  [...text.matchAll(/\b(?:t|rich)\(\s*"([\w.]+)"/g)].map(([, key = ""]) => [key, file] as const),
);

describe.each(topics)("the messages of %s", (topic) => {
  test.each(languages.slice(1))("are the same in %s, with the same values", (language) => {
    const english = messagesOf(topic, "en");
    const other = messagesOf(topic, language);
    expect(Object.keys(other).sort()).toEqual(Object.keys(english).sort());
    for (const [key, text] of Object.entries(english))
      expect([key, valuesOf(other[key] as string)]).toEqual([key, valuesOf(text)]);
  });
});

test("every key that the code uses has a message", () => {
  const known = new Set(topics.flatMap((topic) => Object.keys(messagesOf(topic, "en"))));
  expect(usedKeys.filter(([key]) => !known.has(key))).toEqual([]);
});

test.each([
  ["permission", "admin", Object.keys(permissions).map((name) => `permission.${name.replace(":", "_")}`)],
  ["queue", "admin", queueNames.map((name) => `queues.name_${name}`)],
  ["event of webhooks", "activity", publicEventTypes.map((type) => `activity.${type}`)],
])("every %s has a text", (_, topic, keys) => {
  const known = Object.keys(messagesOf(topic, "en"));
  expect(keys.filter((key) => !known.includes(key))).toEqual([]);
});

test("every page's title is among its messages", () => {
  for (const { title, messages } of Object.values(appPages)) {
    const texts = ["common", ...messages].flatMap((topic) => Object.keys(messagesOf(topic, "en")));
    expect(texts).toContain(title);
  }
});
