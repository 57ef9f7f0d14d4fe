import { expect, test } from "@jest/globals";
import { renderLink, renderNotice } from "../../../services/mail/messages/templates.ts";

const link = "https://id.example.com/verify?token=v1.k1.abc";

test("the link stands bare on a line of the text part", () => {
  expect(renderLink("verify_email", { name: "Ada", link }).text.split("\n")).toContain(link);
});

test("a name is no markup in the HTML part", () => {
  const { html } = renderNotice("password_changed", { name: '<img src=x onerror="1">&' });
  expect(html).toContain("Hello &lt;img src=x onerror=&quot;1&quot;&gt;&amp;,");
  expect(html).not.toContain("<img");
});

test.each([
  ["a line", "Ada\r\n\r\nBcc: eve@example.com"],
  ["a link", "Win at https://evil.example"],
  ["a domain", "Visit evil.com"],
  ["an address", "write eve@example"],
  ["a novel", "x".repeat(200)],
])("a name that carries %s does not become part of our letter", (_, name) => {
  expect(renderLink("verify_email", { name, link }).text).toMatch(/^Hello,\n/);
});

test("a name's control and direction marks are taken out", () => {
  expect(renderNotice("token_reused", { name: "A\u202Eda\n\tLovelace" }).text).toMatch(/^Hello A da Lovelace,\n/);
});
