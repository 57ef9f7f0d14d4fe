import { TemplateError } from "./template-file.ts";

/** The values that a layout can show. `brand` and `content` are HTML that this service builds; all others are escaped. */
const placeholders = [
  "language",
  "title",
  "preview",
  "brand",
  "content",
  "footer",
  "accent",
  "on_accent",
  "accent_dark",
  "on_accent_dark",
] as const;

type Placeholder = (typeof placeholders)[number];

/** The HTML around the content of all mails. */
export interface MailLayout {
  fill(values: Readonly<Record<Placeholder, string>>): string;
}

/** Without these a mail has no text, or its reader does not know who has sent it. */
const required: readonly Placeholder[] = ["content", "footer"];
const PLACEHOLDER = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** Reads an HTML document with placeholders such as `{{content}}`. Throws a TemplateError. */
export function parseLayout(source: string, name: string): MailLayout {
  const used = [...source.matchAll(PLACEHOLDER)];
  const known = placeholders.map((one) => `{{${one}}}`).join(", ");
  for (const { 1: placeholder = "", 0: text, index } of used) {
    if (isPlaceholder(placeholder)) continue;
    const line = source.slice(0, index).split("\n").length;
    throw new TemplateError(name, line, `has the unknown placeholder ${text}. The known ones are ${known}.`);
  }
  const missing = required.find((one) => !used.some(({ 1: placeholder }) => placeholder === one));
  if (missing !== undefined) throw new TemplateError(name, 1, `needs {{${missing}}}.`);
  return { fill: (values) => source.replace(PLACEHOLDER, (_, placeholder: Placeholder) => values[placeholder]) };
}

function isPlaceholder(text: string): text is Placeholder {
  return (placeholders as readonly string[]).includes(text);
}
