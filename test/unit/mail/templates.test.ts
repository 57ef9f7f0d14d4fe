import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { MailJob } from "../../../services/mail/mail.contract.ts";
import { isLinkKind, type MailDetails } from "../../../services/mail/messages/mail-kinds.ts";
import { renderMail } from "../../../services/mail/messages/render-mail.ts";
import { loadTemplates, type MailTexts } from "../../../services/mail/messages/templates.ts";

type Kind = MailJob["kind"];
type Revocation = NonNullable<MailDetails["revocation"]>;

const kinds = MailJob.shape.kind.options;
const reasons = MailJob.shape.revocation.unwrap().shape.reason.options;
const link = "https://id.example.com/verify#token=v1.k1.abc";
const brand = { name: "Acme", color: "#7a1f5c", logo: null };
const builtIn = loadTemplates();
const english = builtIn.textsFor(["en"]);
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "mail-templates-"));
  folders.push(folder);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

function render(
  kind: Kind,
  { texts = english, name = "Ada", ...more }: MailDetails & { texts?: MailTexts; name?: string } = {},
) {
  const recipient = { name, isVerified: true };
  return renderMail(texts, { kind, recipient, brand, details: more, ...(isLinkKind(kind) && { link }) });
}

const revocation = (reason: Revocation["reason"], more: Partial<Revocation> = {}): MailDetails => ({
  revocation: { reason, first_proof: false, removed_providers: [], kept_providers: [], ...more },
});

test("the text part has the link on a line of its own, and the HTML part in its button and as text", () => {
  const { text, html } = render("verify_email");
  expect(text.split("\n")).toContain(link);
  expect(html.split(`href="${link}"`)).toHaveLength(3);
});

test("the HTML part escapes names, and the brand's", () => {
  const { html } = renderMail(english, {
    kind: "password_changed",
    recipient: { name: '<img src=x onerror="1">&', isVerified: true },
    brand: { ...brand, name: "<b>Acme" },
  });
  expect(html).toContain("Hello &#60;img src=x onerror=&#34;1&#34;&#62;&#38;,");
  expect(html).not.toMatch(/<img|<b>/);
});

test.each([
  ["a line break", "Ada\r\n\r\nBcc: eve@example.com"],
  ["a URL", "Win at https://evil.example"],
  ["a domain name", "Visit evil.com"],
  ["an email address", "write eve@example"],
  ["200 characters", "x".repeat(200)],
])("a name containing %s is left out", (_, name) => {
  expect(render("reset_password", { name }).text).toMatch(/^Hello,\n/);
});

test("control characters and bidi marks are removed from names", () => {
  expect(render("token_reused", { name: "A\u202Eda\n\tLovelace" }).text).toMatch(/^Hello A da Lovelace,\n/);
});

test("a placeholder inside a value is not replaced", () => {
  expect(render("provider_linked", { provider: "{brand} $& '{x}'" }).text).toContain("with {brand} $& '{x}'.");
});

test("an event of an earlier version, which names no provider and no reason, has texts", () => {
  expect(render("provider_linked").text).toContain("with an external provider.");
  expect(render("password_changed").text).toContain("The password of your account was changed");
});

describe.each(builtIn.languages)("in %s", (language) => {
  const texts = builtIn.textsFor([language]);

  test.each(kinds)("the mail %s has the same content in text and HTML", (kind) => {
    const { subject, text, html } = render(kind, { texts, provider: "Provider" });
    expect(`${subject}${text}`).not.toMatch(/[{}]|undefined|\bnull\b/);
    expect(html).toContain(`<html lang="${language}"`);
    const shown = html.replaceAll(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));
    for (const paragraph of [subject, ...text.trim().split("\n\n")]) expect(shown).toContain(paragraph);
  });

  test("the notice of a changed password has a cause for each reason", () => {
    const of = (reason: Revocation["reason"]) => render("password_changed", { texts, ...revocation(reason) });
    const causes = reasons.map((reason) => of(reason).text.split("\n\n")[1]);
    expect(new Set([...causes, render("password_changed", { texts }).text.split("\n\n")[1]]).size).toBe(
      reasons.length + 1,
    );
  });

  test("the notice of a changed password names what was removed and what can still be used, and nothing else", () => {
    const providers = { removed_providers: ["GitHub", "GitLab"], kept_providers: ["Google"] };
    const full = render("password_changed", { texts, ...revocation("reset", { first_proof: true, ...providers }) });
    expect(full.text).toContain("GitHub, GitLab");
    expect(full.text).toContain("Google");
    const less = render("password_changed", { texts, ...revocation("reset") }).text.split("\n\n");
    expect(full.text.split("\n\n")).toHaveLength(less.length + 3);
  });
});

test("each mail has the same blocks in every language", () => {
  const shape = (texts: MailTexts) =>
    kinds.map((kind) => [kind, texts.mails.get(kind)?.paragraphs.map((paragraph) => paragraph.kind)]);
  for (const language of builtIn.languages) expect(shape(builtIn.textsFor([language]))).toEqual(shape(english));
});

test.each([
  [["fr"], "fr"],
  [["fr-CH", "en"], "fr"],
  [["de", "fr"], "fr"],
  [["de"], "en"],
  [[], "en"],
])("for a reader of %j the texts are in %s", (wanted, language) => {
  expect(builtIn.textsFor(wanted).language).toBe(language);
});

test("nothing in a mail is loaded from a server: the logo is attached", () => {
  const logo = Buffer.from("png");
  const { html, attachments } = renderMail(english, {
    kind: "token_reused",
    recipient: { name: null, isVerified: true },
    brand: { ...brand, logo },
  });
  expect([...html.matchAll(/(?:src|href|url\()="?([^"]*)/g)].map(([, url]) => url)).toEqual(["cid:logo@usermesh"]);
  expect(attachments).toMatchObject([{ cid: "logo@usermesh", content: logo, contentType: "image/png" }]);
});

describe("a folder of the operator", () => {
  test("replaces texts", () => {
    const folder = folderWith({
      "verify_email.en.txt": "Subject: Welcome to {brand}\n\nPlease confirm:\n\n[Go]({link})\n",
    });
    const { subject, text } = render("verify_email", { texts: loadTemplates(folder).textsFor(["en"]) });
    expect([subject, text]).toEqual(["Welcome to Acme", `Hello,\n\nPlease confirm:\n\n${link}\n`]);
  });

  test("replaces the HTML layout, in which all values but the content are escaped", () => {
    const page = `<html lang="{{language}}"><style>a { color: {{accent}} }</style>{{ title }}\n{{brand}}{{content}}<hr>{{footer}}`;
    const texts = loadTemplates(folderWith({ "layout.html": page })).textsFor(["en"]);
    const { html } = renderMail(texts, {
      kind: "token_reused",
      recipient: { name: null, isVerified: true },
      brand: { ...brand, name: "<b>{{footer}} $& Acme" },
    });
    expect(html).toMatch(/^<html lang="en"><style>a \{ color: #[0-9a-f]{6} \}<\/style>/);
    expect(html).toMatch(/<p class="m-text"[\s\S]*<hr>[\s\S]*&#60;b&#62;\{\{footer\}\} \$&#38; Acme/);
    expect(html).not.toContain("<b>");
  });

  test.each([
    ["an unknown placeholder", "<p>{{content}}\n{{footer}}\n{{name}}", /layout\.html:3 .*\{\{name\}\}/],
    ["no content", "<p>{{footer}}", /layout\.html:1 needs \{\{content\}\}/],
  ])("with a layout that has %s stops the start", (_, page, message) => {
    expect(() => loadTemplates(folderWith({ "layout.html": page }))).toThrow(message);
  });

  test("with a file that cannot be read stops the start, with the name of the file", () => {
    const folder = folderWith({});
    mkdirSync(join(folder, "layout.html"));
    mkdirSync(join(folder, "token_reused.en.txt"));
    expect(() => loadTemplates(folder)).toThrow(
      /token_reused\.en\.txt:1 cannot be read: EISDIR[\s\S]*layout\.html:1 cannot be read: EISDIR/,
    );
  });

  test("adds a language, if it has all texts", () => {
    const files = Object.fromEntries(
      kinds.map((kind) => [
        `${kind}.de.txt`,
        `Subject: Betreff\n\nAbsatz.\n${isLinkKind(kind) ? "\n[Weiter]({link})\n" : ""}`,
      ]),
    );
    expect(() => loadTemplates(folderWith(files))).toThrow("lacks layout.de.txt");
    const layout = "Greeting: Hallo,\nGreeting by name: Hallo {name},\nLink: Adresse:\nFooter: Von {brand}.\n";
    const german = loadTemplates(folderWith({ ...files, "layout.de.txt": layout })).textsFor(["de-AT"]);
    expect(render("token_reused", { texts: german }).text).toBe("Hallo Ada,\n\nAbsatz.\n");
  });

  test.each([
    [
      "an unknown placeholder",
      "token_reused.en.txt",
      "Subject: A\n\nOne.\n\nTwo\n{link}.",
      /token_reused\.en\.txt:6 .*\{link\}/,
    ],
    [
      "one in a branch",
      "token_reused.en.txt",
      "Subject: {brand, select,\n  other {{name}}}",
      /token_reused\.en\.txt:2 .*\{name\}/,
    ],
    [
      "a brace that is not closed",
      "token_reused.en.txt",
      "Subject: A\n\nFirst.\n\nHello {brand",
      /token_reused\.en\.txt:5 .*closing brace/,
    ],
    ["no subject", "token_reused.en.txt", "Hello.\n\nText.", /token_reused\.en\.txt:1 .*Subject/],
    [
      "a second header",
      "token_reused.en.txt",
      "Subject: A\nFrom: eve@example.com\n\nText.",
      /token_reused\.en\.txt:2 .*Subject/,
    ],
    ["no link", "reset_password.en.txt", "Subject: A\n\nText.", /reset_password\.en\.txt:3 .*\(\{link\}\)/],
    [
      "a link that the mail has not",
      "token_reused.en.txt",
      "Subject: A\n\n[Go]({link})",
      /token_reused\.en\.txt:3 .*link/,
    ],
    ["an unknown kind", "welcome.en.txt", "Subject: A\n\nText.", /welcome\.en\.txt:1 is not a template/],
    ["another ending", "token_reused.en.html", "<p>", /token_reused\.en\.html:1 is not a template/],
  ])("with %s stops the start, and the message names the file and the line", (_, name, content, message) => {
    expect(() => loadTemplates(folderWith({ [name]: content }))).toThrow(message);
  });

  test("that does not exist stops the start", () => {
    expect(() => loadTemplates("/nonexistent")).toThrow(/MAIL_TEMPLATES_DIR cannot be read/);
  });
});
