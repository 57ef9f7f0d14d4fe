import { describe, expect, test } from "@jest/globals";
import { MailJob } from "../../../services/mail/mail.contract.ts";
import type { Recipient } from "../../../services/mail/messages/greeting.ts";
import { isLinkKind } from "../../../services/mail/messages/mail-kinds.ts";
import { renderMail } from "../../../services/mail/messages/render-mail.ts";
import { loadTemplates } from "../../../services/mail/messages/templates.ts";

type Kind = MailJob["kind"];

/** Mails to an address whose owner has not proven it, or of which nobody knows whether they have. */
const toUnprovenAddresses: readonly Kind[] = [
  "verify_email",
  "change_email",
  "invite",
  "email_change_requested",
  "email_changed",
];
/** Mails to the address of an account, which is verified or not. */
const toAccounts: readonly Kind[] = [
  "reset_password",
  "password_changed",
  "token_reused",
  "username_changed",
  "provider_linked",
  "provider_unlinked",
  "account_deactivated",
  "account_reactivated",
];

/** Texts of a stranger which no pattern for links would find. */
const strangersTexts = [
  "Ada Lovelace",
  "Your account was locked, sign in at evil1.com",
  "evil\u3002com",
  "evil\u2024com",
  "evil dot com",
  "192.0.2.1/win",
  "3221225985",
  "Call +1 555 0100 now",
  "Your bank needs an answer today",
];

const link = "https://id.example.com/verify?token=v1.k1.abc";

const texts = loadTemplates().textsFor(["en"]);
const brand = { name: "Usermesh", color: "#0d7a6b", logo: null };

function render(kind: Kind, recipient: Recipient) {
  const details = { provider: "Provider" };
  return renderMail(texts, { kind, recipient, brand, details, ...(isLinkKind(kind) && { link }) });
}

test("each mail is in one of the two lists", () => {
  expect([...toUnprovenAddresses, ...toAccounts].toSorted()).toEqual(MailJob.shape.kind.options.toSorted());
});

describe.each(MailJob.shape.kind.options)("the mail %s", (kind) => {
  test.each(strangersTexts)("to an unverified address is the same whatever the name is: %j", (name) => {
    const nameless = render(kind, { name: null, isVerified: false });
    expect(render(kind, { name, isVerified: false })).toEqual(nameless);
    expect(nameless.text).toMatch(/^Hello,\n/);
    expect(nameless.html).toContain(">Hello,</p>");
  });
});

test.each(toUnprovenAddresses)("the mail %s greets nobody by name, although the account is verified", (kind) => {
  const mail = render(kind, { name: "Ada Lovelace", isVerified: true });
  expect(mail).toEqual(render(kind, { name: null, isVerified: false }));
});

test.each(toAccounts)("the mail %s greets the owner of a verified address by name", (kind) => {
  const { text, html } = render(kind, { name: "Ada Lovelace", isVerified: true });
  expect(text).toMatch(/^Hello Ada Lovelace,\n/);
  expect(html).toContain(">Hello Ada Lovelace,</p>");
});

test.each([
  "Claim your prize at 888.com/win",
  "evil.com",
  "a1.io",
  "evil\u3002com",
  "evil\uff61com",
  "evil\uff0ecom",
  "evil\u2024com",
  "b\u00fccher.example",
  "\u0645\u062b\u0627\u0644.\u0625\u062e\u062a\u0628\u0627\u0631",
  "\u0938\u0902\u0917\u0920\u0928.\u092d\u093e\u0930\u0924",
  "a-.com",
  "192.0.2.1/win",
  "WWW.x",
  "https://x",
  "me@x",
])("the name %j, of which mail programs make a link, greets nobody", (name) => {
  expect(render("password_changed", { name, isVerified: true }).text).toMatch(/^Hello,\n/);
});

test.each(["J.R.R. Tolkien", "Dr. Ada Lovelace", "Henry VIII.", "Ren\u00e9 Magritte", "No. 5", "\u5c0f\u6797"])(
  "the name %j is a name",
  (name) => {
    expect(render("password_changed", { name, isVerified: true }).text).toMatch(`Hello ${name},`);
  },
);
