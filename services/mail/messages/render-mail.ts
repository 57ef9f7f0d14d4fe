import type { MailBrand } from "./brand.ts";
import { nameToGreet, type Recipient } from "./greeting.ts";
import { LOGO_CID, renderHtml } from "./layout.ts";
import { greetsByName, type MailDetails, type MailKind, valuesOf } from "./mail-kinds.ts";
import type { TemplateFile } from "./template-file.ts";
import type { MailTexts } from "./templates.ts";

/** Subject, plain-text part, HTML part and what the HTML part shows. */
export interface RenderedMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly attachments: readonly Attachment[];
}

export interface Attachment {
  readonly cid: string;
  readonly filename: string;
  readonly contentType: string;
  readonly content: Buffer;
  readonly contentDisposition: "inline";
}

interface MailInput {
  readonly kind: MailKind;
  readonly recipient: Recipient;
  readonly brand: MailBrand;
  /** The page that the mail's button opens, for mails that have one. */
  readonly link?: string;
  readonly details?: MailDetails;
}

export function renderMail(texts: MailTexts, { kind, recipient, brand, link, details = {} }: MailInput): RenderedMail {
  const template = texts.mails.get(kind) as TemplateFile;
  const values = { ...valuesOf(kind, details), brand: brand.name };
  const layout = (name: string, more = {}) => texts.layout.headers.get(name)?.format({ ...values, ...more }) ?? "";
  const name = greetsByName(kind) ? nameToGreet(recipient) : null;
  const greeting = name === null ? layout("Greeting") : layout("Greeting by name", { name });
  const subject = template.headers.get("Subject")?.format(values) ?? "";
  const blocks = template.paragraphs
    .map(({ kind: block, text }) => ({ block, text: text.format(values) }))
    // A paragraph that does not apply to the event formats to nothing, and is left out.
    .filter(({ text }) => text !== "");
  const position = blocks.findIndex(({ block }) => block === "button");
  const before = [greeting, ...blocks.slice(0, position === -1 ? blocks.length : position).map(({ text }) => text)];
  const after = position === -1 ? [] : blocks.slice(position + 1).map(({ text }) => text);
  const button = link !== undefined && { label: blocks[position]?.text ?? "", link, hint: layout("Link") };
  const { language } = texts;
  const html = renderHtml(texts.html, {
    ...{ language, title: subject, brand, before, after, footer: layout("Footer") },
    ...(button && { button }),
  });
  // The link has a line of its own, because some mail programs make adjacent text part of it.
  const text = `${[...before, ...(link === undefined ? [] : [link]), ...after].join("\n\n")}\n`;
  return { subject, text, html, attachments: brand.logo === null ? [] : [logoOf(brand.logo)] };
}

function logoOf(content: Buffer): Attachment {
  return { cid: LOGO_CID, filename: "logo.png", contentType: "image/png", content, contentDisposition: "inline" };
}
