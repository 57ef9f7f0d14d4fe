import { brandColors } from "../../../lib/branding/brand-colors.ts";
import type { MailBrand } from "./brand.ts";
import type { MailLayout } from "./layout-file.ts";

/** The content of a mail, as text without markup. */
export interface MailContent {
  /** Language of the document, such as `en`. */
  readonly language: string;
  readonly title: string;
  readonly brand: MailBrand;
  /** The greeting and the paragraphs before the button. */
  readonly before: readonly string[];
  readonly button?: { readonly label: string; readonly link: string; readonly hint: string };
  /** The paragraphs after the button. */
  readonly after: readonly string[];
  readonly footer: string;
}

const FONT = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";
const table = 'role="presentation" cellpadding="0" cellspacing="0" border="0"';

/**
 * The HTML part of a mail in its layout. Mail programs support little CSS: tables hold the layout, styles are in attributes,
 * and the stylesheet only changes colours in dark mode and margins on phones, for the programs that read it. Nothing is
 * loaded from a server: the logo is part of the mail.
 */
export function renderHtml(layout: MailLayout, content: MailContent): string {
  const { language, title, brand, before, footer } = content;
  const colors = brandColors(brand.color);
  return layout.fill({
    language: escapeHtml(language),
    title: escapeHtml(title),
    preview: escapeHtml(before.slice(1).join(" ")),
    brand: brandRow(brand, colors),
    content: contentRows(content, colors),
    footer: escapeHtml(footer),
    accent: colors.light,
    on_accent: colors.onLight,
    accent_dark: colors.dark,
    on_accent_dark: colors.onDark,
  });
}

type Colors = ReturnType<typeof brandColors>;

/** The paragraphs, and the button with the address that it opens. */
function contentRows({ before, button, after }: MailContent, colors: Colors): string {
  const isNotice = button === undefined;
  const first = before.map((text) => paragraph(text, "m-text", isNotice && text === before.at(-1) ? 0 : 16));
  const last = after.map((text, index) => paragraph(text, "m-muted", index === after.length - 1 ? 0 : 12));
  if (button === undefined) return [...first, ...last].join("\n");
  return [...first, buttonRow(button, colors), ...last, linkRow(button, colors)].join("\n");
}

/** The logo, or else the first letter of the name in the brand's colour. */
function brandRow({ name, logo }: MailBrand, { light, onLight }: Colors): string {
  const letter = escapeHtml([...name][0]?.toUpperCase() ?? "");
  const mark =
    logo === null
      ? `<td class="m-accent" width="32" height="32" align="center" valign="middle" aria-hidden="true" style="background-color:${light};border-radius:8px;font:700 16px/32px ${FONT};color:${onLight}">${letter}</td>`
      : `<td width="32"><img src="cid:${LOGO_CID}" width="32" height="32" alt="" style="display:block;border:0;border-radius:8px"></td>`;
  return `<table ${table}><tr>${mark}<td class="m-text" style="padding-left:10px;font:600 16px/32px ${FONT};color:#16191c">${escapeHtml(name)}</td></tr></table>`;
}

/** Content-ID of the attached logo (RFC 2392). */
export const LOGO_CID = "logo@usermesh";

function paragraph(text: string, tone: "m-text" | "m-muted", marginBottom: number): string {
  const style =
    tone === "m-text" ? `font:400 16px/25px ${FONT};color:#16191c` : `font:400 14px/22px ${FONT};color:#5b626a`;
  return `<p class="${tone}" style="margin:0 0 ${marginBottom}px;${style}">${escapeHtml(text)}</p>`;
}

function buttonRow({ label, link }: NonNullable<MailContent["button"]>, { light, onLight }: Colors): string {
  return `<table ${table} style="margin:8px 0 26px"><tr><td class="m-accent" align="center" style="background-color:${light};border-radius:10px"><a class="m-accent" href="${escapeHtml(link)}" style="display:inline-block;padding:13px 24px;border-radius:10px;font:600 16px/22px ${FONT};color:${onLight};text-decoration:none">${escapeHtml(label)}</a></td></tr></table>`;
}

/** The address of the link as text, for programs that show no button and readers who want to see where it leads. */
function linkRow({ link, hint }: NonNullable<MailContent["button"]>, { light }: Colors): string {
  return `<div class="m-line" style="margin-top:26px;padding-top:20px;border-top:1px solid #e3e5e8">
<p class="m-muted" style="margin:0 0 4px;font:400 13px/20px ${FONT};color:#5b626a">${escapeHtml(hint)}</p>
<p style="margin:0;font:400 13px/20px ${FONT};word-break:break-all"><a class="m-link" href="${escapeHtml(link)}" style="color:${light}">${escapeHtml(link)}</a></p>
</div>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
