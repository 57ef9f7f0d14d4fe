import { expect, test } from "@jest/globals";
import { classifySmtpError } from "../../../services/mail/messages/smtp-transport.ts";

const reply = (code: string, command?: string, responseCode?: number) =>
  classifySmtpError(
    Object.assign(new Error("550 <eve@example.com> unknown"), {
      code,
      ...(command && { command }),
      ...(responseCode && { responseCode }),
    }),
  );

test.each([
  ["nobody listens", reply("ESOCKET", "CONN"), "mail_unavailable"],
  ["the server hangs", reply("ETIMEDOUT", "CONN"), "mail_unavailable"],
  ["it goes down meanwhile", reply("EENVELOPE", "RCPT TO", 421), "mail_unavailable"],
  ["our credentials are refused", reply("EAUTH", "AUTH PLAIN", 535), "mail_unavailable"],
  ["our sender is refused", reply("EENVELOPE", "MAIL FROM", 550), "mail_unavailable"],
  ["a mailbox is greylisted", reply("EENVELOPE", "RCPT TO", 450), "mail_deferred"],
  ["a message is put off", reply("EMESSAGE", "DATA", 451), "mail_deferred"],
  ["there is no such mailbox", reply("EENVELOPE", "RCPT TO", 550), "mail_refused"],
  ["a message is refused", reply("EMESSAGE", "DATA", 554), "mail_refused"],
])("when %s", (_, error, type) => {
  expect(error.type).toBe(type);
});

test("the server's words, which may hold an address, go no further", () => {
  const error = reply("EENVELOPE", "RCPT TO", 550);
  expect(`${error.message} ${String(error.cause)}`).not.toContain("eve@example.com");
});
