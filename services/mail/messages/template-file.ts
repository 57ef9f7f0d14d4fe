import { type MessageFormatElement, parse, TYPE } from "@formatjs/icu-messageformat-parser";
import { IntlMessageFormat } from "intl-messageformat";

/** Values of the placeholders of a template. */
export type TemplateValues = Readonly<Record<string, string | number>>;

/** A text with placeholders in ICU MessageFormat. The result is one line, without leading or trailing space. */
export interface TemplateText {
  format(values: TemplateValues): string;
}

export interface TemplateFile {
  /** The texts of the headers, by name. */
  readonly headers: ReadonlyMap<string, TemplateText>;
  /** `button`: the label of a link to the mail's page. */
  readonly paragraphs: ReadonlyArray<{ readonly kind: "text" | "button"; readonly text: TemplateText }>;
}

/** The headers, placeholders and buttons that a file may contain. */
interface TemplateRules {
  readonly headers: readonly string[];
  readonly placeholders: readonly string[];
  /** Whether the file must have one paragraph `[label]({link})`; other files must have none. */
  readonly hasButton: boolean;
}

/** An invalid template. The message names the file and the line. */
export class TemplateError extends Error {
  constructor(file: string, line: number, problem: string) {
    super(`${file}:${line} ${problem}`);
    this.name = "TemplateError";
  }
}

/**
 * Reads a template: headers such as `Subject: …`, and after an empty line paragraphs that are separated by empty lines. A
 * header goes on in lines that begin with a space. Throws a TemplateError.
 */
export function parseTemplate(source: string, name: string, language: string, rules: TemplateRules): TemplateFile {
  const file = { name, language, rules };
  const [head, ...blocks] = blocksOf(source);
  const headers = readHeaders(file, head);
  const paragraphs = blocks.map((block) => readParagraph(file, block));
  const buttons = paragraphs.filter(({ kind }) => kind === "button").length;
  if (buttons !== (rules.hasButton ? 1 : 0))
    throw new TemplateError(
      name,
      blocks[0]?.line ?? 1,
      rules.hasButton
        ? "needs one paragraph with the link, as [label]({link})."
        : "has a link, but this mail has none.",
    );
  return { headers, paragraphs };
}

interface Block {
  /** Number of its first line, from 1. */
  readonly line: number;
  readonly text: string;
}

interface File {
  readonly name: string;
  readonly language: string;
  readonly rules: TemplateRules;
}

function blocksOf(source: string): Block[] {
  const blocks: Block[] = [];
  let lines: string[] = [];
  for (const [index, line] of [...source.split(/\r?\n/), ""].entries()) {
    if (line.trim() !== "") lines.push(line);
    else if (lines.length > 0) {
      blocks.push({ line: index + 1 - lines.length, text: lines.join("\n") });
      lines = [];
    }
  }
  return blocks;
}

function readHeaders(file: File, head: Block | undefined): Map<string, TemplateText> {
  const headers = new Map<string, TemplateText>();
  let line = head?.line ?? 1;
  for (const text of head?.text.split(/\n(?![ \t])/) ?? []) {
    const [, name = "", value = ""] = /^([A-Z][A-Za-z ]*):([\s\S]*)$/.exec(text) ?? [];
    if (!file.rules.headers.includes(name) || value.trim() === "")
      throw new TemplateError(
        file.name,
        line,
        `must be ${file.rules.headers.map((one) => `"${one}: …"`).join(" or ")}.`,
      );
    headers.set(name, compile(file, { line, text: value }));
    line += text.split("\n").length;
  }
  const missing = file.rules.headers.find((name) => !headers.has(name));
  if (missing !== undefined) throw new TemplateError(file.name, head?.line ?? 1, `needs "${missing}: …" first.`);
  return headers;
}

function readParagraph(file: File, block: Block): TemplateFile["paragraphs"][number] {
  const label = /^\[([^\]]+)\]\(\{link\}\)$/.exec(block.text.trim())?.[1];
  if (label === undefined) return { kind: "text", text: compile(file, block) };
  return { kind: "button", text: compile(file, { line: block.line, text: label }) };
}

function compile(file: File, block: Block): TemplateText {
  const elements = parseMessage(file, block);
  assertPlaceholders(file, block, elements);
  const message = new IntlMessageFormat(elements, file.language);
  // No-break spaces are kept, because French has them before a colon.
  return {
    format: (values) =>
      String(message.format(values))
        .replace(/[ \t\r\n]+/g, " ")
        .trim(),
  };
}

function parseMessage({ name }: File, { line, text }: Block): MessageFormatElement[] {
  try {
    return parse(text, { ignoreTag: true, captureLocation: true });
  } catch (error) {
    const { message, location } = error as SyntaxError & { location?: { start: { line: number } } };
    const reason = message.toLowerCase().replaceAll("_", " ");
    throw new TemplateError(name, line + (location?.start.line ?? 1) - 1, `is not valid ICU MessageFormat: ${reason}.`);
  }
}

function assertPlaceholders(file: File, block: Block, elements: readonly MessageFormatElement[]): void {
  const { placeholders } = file.rules;
  for (const element of elements) {
    if (element.type === TYPE.literal || element.type === TYPE.pound) continue;
    const line = block.line + (element.location?.start.line ?? 1) - 1;
    if (element.type === TYPE.date || element.type === TYPE.time || element.type === TYPE.tag)
      throw new TemplateError(file.name, line, "may have texts, numbers, select and plural only.");
    if (!placeholders.includes(element.value))
      throw new TemplateError(
        file.name,
        line,
        `has the placeholder {${element.value}}, which it does not get. It gets ${placeholders.map((one) => `{${one}}`).join(", ")}.`,
      );
    if (element.type === TYPE.select || element.type === TYPE.plural)
      for (const option of Object.values(element.options)) assertPlaceholders(file, block, option.value);
  }
}
