import { describe, expect, test } from "@jest/globals";
import { MailJob } from "../../../services/mail/mail.contract.ts";
import { isLinkKind, type Recipient, renderLink, renderNotice } from "../../../services/mail/messages/templates.ts";

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

function render(kind: Kind, recipient: Recipient) {
  return isLinkKind(kind) ? renderLink(kind, recipient, link) : renderNotice(kind, recipient, "Provider");
}

test("each mail is in one of the two lists", () => {
  expect([...toUnprovenAddresses, ...toAccounts].toSorted()).toEqual(MailJob.shape.kind.options.toSorted());
});

describe.each(MailJob.shape.kind.options)("the mail %s", (kind) => {
  test.each(strangersTexts)("to an unverified address is the same whatever the name is: %j", (name) => {
    const nameless = render(kind, { name: null, isVerified: false });
    expect(render(kind, { name, isVerified: false })).toEqual(nameless);
    expect(nameless.text).toMatch(/^Hello,\n/);
    expect(nameless.html).toContain("<p>Hello,</p>");
  });
});

test.each(toUnprovenAddresses)("the mail %s greets nobody by name, although the account is verified", (kind) => {
  const mail = render(kind, { name: "Ada Lovelace", isVerified: true });
  expect(mail).toEqual(render(kind, { name: null, isVerified: false }));
});

test.each(toAccounts)("the mail %s greets the owner of a verified address by name", (kind) => {
  const { text, html } = render(kind, { name: "Ada Lovelace", isVerified: true });
  expect(text).toMatch(/^Hello Ada Lovelace,\n/);
  expect(html).toContain("<p>Hello Ada Lovelace,</p>");
});
