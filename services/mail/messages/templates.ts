import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../../../lib/config/config.ts";
import { type MailLayout, parseLayout } from "./layout-file.ts";
import { isLinkKind, type MailKind, mailKinds, valuesOf } from "./mail-kinds.ts";
import { parseTemplate, TemplateError, type TemplateFile } from "./template-file.ts";

/** The texts of all mails in one language. */
export interface MailTexts {
  readonly language: string;
  readonly layout: TemplateFile;
  readonly mails: ReadonlyMap<MailKind, TemplateFile>;
  /** The HTML layout, the same for all languages. */
  readonly html: MailLayout;
}

export interface MailTemplates {
  readonly languages: readonly string[];
  /** The texts in the first of these languages that has texts, or else in English. A region is ignored: `fr-CH` is `fr`. */
  textsFor(wanted: readonly string[]): MailTexts;
}

const BUILT_IN = join(import.meta.dirname, "..", "templates");
const DEFAULT_LANGUAGE = "en";
const LAYOUT = "layout";
const HTML_LAYOUT = "layout.html";
type FileKind = MailKind | typeof LAYOUT;
const fileKinds: readonly FileKind[] = [...mailKinds, LAYOUT];

/**
 * Reads the texts of all mails, one file per kind and language, and their HTML layout. Files in `overrideDir` replace those
 * of the same name, and may add languages. Throws a ConfigError that names all files with a problem.
 */
export function loadTemplates(overrideDir?: string): MailTemplates {
  const problems: string[] = [];
  const folders = [BUILT_IN, ...(overrideDir ? [overrideDir] : [])];
  const files = new Map(folders.flatMap((folder) => readFolder(folder, problems)));
  const html = folders.map((folder) => readLayout(folder, problems)).findLast((one) => one !== null) as MailLayout;
  const languages = [...new Set([...files.keys()].map((name) => name.split(".")[1] as string))];
  const incomplete = languages.flatMap((language) => missingIn(language, files));
  problems.push(...incomplete.map((name) => `MAIL_TEMPLATES_DIR lacks ${name}: a new language needs all of them.`));
  if (problems.length > 0) throw new ConfigError(problems);
  const texts = new Map(languages.map((language) => [language, { ...textsIn(language, files), html }]));
  return {
    languages,
    textsFor(wanted) {
      const found = wanted.map((tag) => texts.get(tag.toLowerCase().split("-")[0] as string));
      return (found.find((one) => one !== undefined) ?? texts.get(DEFAULT_LANGUAGE)) as MailTexts;
    },
  };
}

/** Texts by the names of their files. An invalid file is added to the problems, so that all are reported together. */
function readFolder(folder: string, problems: string[]): Array<[string, TemplateFile]> {
  const files: Array<[string, TemplateFile]> = [];
  for (const name of listFolder(folder, problems).filter((one) => one !== HTML_LAYOUT)) {
    const file = valid(() => readTemplate(folder, name), problems);
    if (file !== null) files.push([name, file]);
  }
  return files;
}

/** Null if the folder has none, or an invalid one. */
function readLayout(folder: string, problems: string[]): MailLayout | null {
  const path = join(folder, HTML_LAYOUT);
  return existsSync(path) ? valid(() => parseLayout(readText(path), path), problems) : null;
}

function valid<T>(parse: () => T, problems: string[]): T | null {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    problems.push(error.message);
    return null;
  }
}

/** Hidden files are left out, because a mounted ConfigMap of Kubernetes has some of its own. */
function listFolder(folder: string, problems: string[]): string[] {
  try {
    return readdirSync(folder).filter((name) => !name.startsWith("."));
  } catch (error) {
    problems.push(`MAIL_TEMPLATES_DIR cannot be read: ${(error as Error).message}.`);
    return [];
  }
}

function readTemplate(folder: string, name: string): TemplateFile {
  const path = join(folder, name);
  const [, kind, language = ""] = /^(\w+)\.([a-z]{2,3})\.txt$/.exec(name) ?? [];
  const known = fileKinds.find((one) => one === kind);
  if (known === undefined)
    throw new TemplateError(
      path,
      1,
      `is not a template: use ${HTML_LAYOUT}, or <kind>.<language>.txt with one of the kinds ${fileKinds.join(", ")}.`,
    );
  return parseTemplate(readText(path), path, language, rulesOf(known));
}

/** Adds the path, because some errors of Node.js, such as EISDIR, do not contain it. */
function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new TemplateError(path, 1, `cannot be read: ${(error as Error).message}.`);
  }
}

function rulesOf(kind: FileKind) {
  if (kind === LAYOUT)
    return {
      headers: ["Greeting", "Greeting by name", "Link", "Footer"],
      placeholders: ["brand", "name"],
      hasButton: false,
    };
  const placeholders = ["brand", ...Object.keys(valuesOf(kind, {}))];
  return { headers: ["Subject"], placeholders, hasButton: isLinkKind(kind) };
}

function missingIn(language: string, files: ReadonlyMap<string, unknown>): string[] {
  return fileKinds.map((kind) => `${kind}.${language}.txt`).filter((name) => !files.has(name));
}

function textsIn(language: string, files: ReadonlyMap<string, TemplateFile>): Omit<MailTexts, "html"> {
  const of = (kind: FileKind) => files.get(`${kind}.${language}.txt`) as TemplateFile;
  return { language, layout: of(LAYOUT), mails: new Map(mailKinds.map((kind) => [kind, of(kind)])) };
}
