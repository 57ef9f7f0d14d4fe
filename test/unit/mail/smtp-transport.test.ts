import { describe, expect, test } from "@jest/globals";
import type { AppError } from "../../../lib/actions/errors.ts";
import { createFailureAttribution, type SmtpError } from "../../../services/mail/messages/smtp-transport.ts";

const accepts = async () => true;
const isDown = async () => {
  throw new Error("connect ECONNREFUSED");
};

const failure = (code: string, command?: string, responseCode?: number): SmtpError =>
  Object.assign(new Error("550 <eve@example.com> unknown"), {
    code,
    ...(command && { command }),
    ...(responseCode && { responseCode }),
  });
const typeOf = async (error: Promise<AppError>) => (await error).type;

describe("a failed mail", () => {
  test.each([
    ["our credentials are rejected", failure("EAUTH", "AUTH PLAIN", 535), "mail_unavailable"],
    ["our sender address is rejected", failure("EENVELOPE", "MAIL FROM", 550), "mail_unavailable"],
    ["the recipient is greylisted", failure("EENVELOPE", "RCPT TO", 450), "mail_deferred"],
    ["the message is deferred", failure("EMESSAGE", "DATA", 451), "mail_deferred"],
    ["the mailbox does not exist", failure("EENVELOPE", "RCPT TO", 550), "mail_refused"],
    ["the message is rejected", failure("EMESSAGE", "DATA", 554), "mail_refused"],
  ])("when %s", async (_, error, type) => {
    expect(await typeOf(createFailureAttribution(5, accepts).toAppError(error, "eve@example.com"))).toBe(type);
  });

  test.each([
    ["the connection is closed", failure("ECONNECTION", "CONN")],
    ["the server stops responding", failure("ETIMEDOUT")],
    ["the server replies 421 to the recipient", failure("EENVELOPE", "RCPT TO", 421)],
    ["the server replies 421 to the message", failure("EMESSAGE", "DATA", 421)],
  ])("when %s: of the message while the server accepts connections, otherwise of the server", async (_, error) => {
    const up = createFailureAttribution(5, accepts);
    for (let attempt = 0; attempt < 12; attempt += 1)
      expect(await typeOf(up.toAppError(error, "eve@example.com"))).toBe("mail_deferred");
    expect(await typeOf(createFailureAttribution(5, isDown).toAppError(error, "eve@example.com"))).toBe(
      "mail_unavailable",
    );
  });

  test("is the server's if several recipients in a row have failed, but the second one of a recipient is its own", async () => {
    const attribution = createFailureAttribution(3, accepts);
    const fail = (name: string) => typeOf(attribution.toAppError(failure("ECONNECTION"), `${name}@example.com`));
    expect([await fail("a"), await fail("b"), await fail("c"), await fail("d")]).toEqual([
      "mail_deferred",
      "mail_deferred",
      "mail_unavailable",
      "mail_unavailable",
    ]);
    expect([await fail("c"), await fail("a")]).toEqual(["mail_deferred", "mail_deferred"]);
    attribution.recordSuccess();
    expect([await fail("c"), await fail("d")]).toEqual(["mail_deferred", "mail_deferred"]);
  });

  test("is reported without the server's reply, which may include an address", async () => {
    const attribution = createFailureAttribution(5, accepts);
    const error = await attribution.toAppError(failure("EENVELOPE", "RCPT TO", 550), "eve@example.com");
    expect(`${error.message} ${String(error.cause)}`).not.toContain("eve@example.com");
  });
});
