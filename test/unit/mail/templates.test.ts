import { expect, test } from "@jest/globals";
import { renderLink, renderNotice } from "../../../services/mail/messages/templates.ts";

const link = "https://id.example.com/verify?token=v1.k1.abc";

test("the text part has the link on a line of its own", () => {
  expect(renderLink("verify_email", { name: "Ada", isVerified: true }, link).text.split("\n")).toContain(link);
});

test("the HTML part escapes names", () => {
  const { html } = renderNotice("password_changed", { name: '<img src=x onerror="1">&', isVerified: true });
  expect(html).toContain("Hello &lt;img src=x onerror=&quot;1&quot;&gt;&amp;,");
  expect(html).not.toContain("<img");
});

test.each([
  ["a line break", "Ada\r\n\r\nBcc: eve@example.com"],
  ["a URL", "Win at https://evil.example"],
  ["a domain name", "Visit evil.com"],
  ["an email address", "write eve@example"],
  ["200 characters", "x".repeat(200)],
])("a name containing %s is left out", (_, name) => {
  expect(renderLink("reset_password", { name, isVerified: true }, link).text).toMatch(/^Hello,\n/);
});

test("control characters and bidi marks are removed from names", () => {
  expect(renderNotice("token_reused", { name: "A\u202Eda\n\tLovelace", isVerified: true }).text).toMatch(
    /^Hello A da Lovelace,\n/,
  );
});
