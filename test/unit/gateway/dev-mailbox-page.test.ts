import { expect, test } from "@jest/globals";
import type { Mail } from "../../../lib/runtime/platform.ts";
import { renderMailbox } from "../../../services/gateway/pages/dev-mailbox-page.ts";

const mail = (fields: Partial<Mail>): Mail => ({
  id: "1",
  message_id: "<1@example.com>",
  from: "a@example.com",
  to: ["b@example.com"],
  subject: "Hello",
  text: "",
  html: "",
  headers: {},
  received_at: "2026-01-01T00:00:00.000Z",
  ...fields,
});

const evil = `"><img src=x onerror=alert(1)><script>alert(1)</script>'`;

test("no part of a mail becomes markup", () => {
  const page = renderMailbox(
    [mail({ id: evil, from: evil, to: [evil], subject: evil, text: evil, html: evil, received_at: evil })],
    { nonce: evil },
  );
  expect(page).not.toMatch(/<(img|script)/i);
  expect(page).not.toContain(evil.slice(0, 5));
});

test("only http and https URLs in the text become links", () => {
  const page = renderMailbox([
    mail({
      text: "Open https://example.com/reset?a=1&b='x (or javascript:alert(1), data:text/html,x, ftp://example.com).",
    }),
  ]);
  expect(page.match(/href="[^"]*"/g)).toEqual(['href="https://example.com/reset?a=1&#38;b="']);
});

test("a full stop after a URL is not part of the link", () => {
  expect(renderMailbox([mail({ text: "See http://example.com/a." })])).toContain(
    '<a href="http://example.com/a" rel="noopener noreferrer">http://example.com/a</a>.',
  );
});

test("a mail's HTML is shown as source, without links or external resources", () => {
  const page = renderMailbox([
    mail({ html: '<img src="https://example.com/pixel"><a href="https://example.com">x</a>' }),
  ]);
  expect(page).toContain("HTML source");
  expect(page).not.toMatch(/<(img|a) /);
});

test("the style needs a nonce, and there are no scripts or style attributes", () => {
  expect(renderMailbox([mail({})])).not.toMatch(/<style|<script| style=/);
  expect(renderMailbox([mail({})], { nonce: "abc" })).toContain('<style nonce="abc">');
});

test("the newest mail comes first", () => {
  const page = renderMailbox([mail({ id: "1", subject: "older" }), mail({ id: "2", subject: "newer" })]);
  expect(page.indexOf("newer")).toBeLessThan(page.indexOf("older"));
});
