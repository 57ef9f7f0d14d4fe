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
  ["the connection is refused", reply("ESOCKET", "CONN"), "mail_unavailable"],
  ["the server does not respond", reply("ETIMEDOUT", "CONN"), "mail_unavailable"],
  ["the server shuts down meanwhile", reply("EENVELOPE", "RCPT TO", 421), "mail_unavailable"],
  ["our credentials are rejected", reply("EAUTH", "AUTH PLAIN", 535), "mail_unavailable"],
  ["our sender address is rejected", reply("EENVELOPE", "MAIL FROM", 550), "mail_unavailable"],
  ["the recipient is greylisted", reply("EENVELOPE", "RCPT TO", 450), "mail_deferred"],
  ["the message is deferred", reply("EMESSAGE", "DATA", 451), "mail_deferred"],
  ["the mailbox does not exist", reply("EENVELOPE", "RCPT TO", 550), "mail_refused"],
  ["the message is rejected", reply("EMESSAGE", "DATA", 554), "mail_refused"],
])("when %s", (_, error, type) => {
  expect(error.type).toBe(type);
});

test("the error does not contain the server's reply, which may include an address", () => {
  const error = reply("EENVELOPE", "RCPT TO", 550);
  expect(`${error.message} ${String(error.cause)}`).not.toContain("eve@example.com");
});
