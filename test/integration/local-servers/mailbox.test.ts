import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createTransport, type SendMailOptions } from "nodemailer";
import type { Mail } from "../../../lib/runtime/platform.ts";
import { type Mailbox, startMailbox } from "../../../scripts/local-servers/mailbox.ts";

let mailbox: Mailbox;

beforeEach(async () => {
  mailbox = await startMailbox({ capacity: 3 });
});

afterEach(() => mailbox.stop());

const send = (mail: SendMailOptions): Promise<unknown> =>
  createTransport({ host: mailbox.host, port: mailbox.port }).sendMail({
    from: "Usermesh <no-reply@example.com>",
    to: "a@example.com",
    ...mail,
  });

test("a mail has its content as sent, and all its recipients", async () => {
  await send({
    subject: "Grüße",
    text: "Hallo Ö\n",
    html: "<p>Hallo Ö</p>",
    bcc: "b@example.com",
    messageId: "<1@example.com>",
    headers: { "X-Kind": "welcome" },
  });
  const [mail] = mailbox.messages();
  expect(mail).toMatchObject({
    message_id: "<1@example.com>",
    from: "no-reply@example.com",
    to: ["a@example.com", "b@example.com"],
    subject: "Grüße",
  });
  expect(mail?.text.trim()).toBe("Hallo Ö");
  expect(mail?.html.trim()).toBe("<p>Hallo Ö</p>");
  expect(mail?.headers).toMatchObject({ "x-kind": "welcome", from: "Usermesh <no-reply@example.com>" });
  expect(Date.parse(mail?.received_at ?? "")).toBeCloseTo(Date.now(), -4);
});

test("an image that is part of the mail is part of its HTML, and no other address is changed", async () => {
  const content = Buffer.from("not really a PNG");
  await send({
    html: '<img src="cid:logo@x"><img src="cid:other@x"><a href="https://example.com/cid:logo@x">x</a>',
    attachments: [{ cid: "logo@x", filename: "logo.png", contentType: "image/png", content }],
  });
  expect(mailbox.messages()[0]?.html.trim()).toBe(
    `<img src="data:image/png;base64,${content.toString("base64")}"><img src="cid:other@x"><a href="https://example.com/cid:logo@x">x</a>`,
  );
});

test("keeps the latest mails, oldest first, until they are cleared", async () => {
  for (const subject of ["1", "2", "3", "4"]) await send({ subject });
  expect(mailbox.messages().map(({ subject }) => subject)).toEqual(["2", "3", "4"]);
  mailbox.clear();
  expect(mailbox.messages()).toEqual([]);
});

test("a listener gets each mail until it is removed", async () => {
  const received: Mail[] = [];
  const end = mailbox.onMessage((mail) => received.push(mail));
  await send({ subject: "first" });
  end();
  await send({ subject: "second" });
  expect(received.map(({ subject }) => subject)).toEqual(["first"]);
});

test("accepts any credentials", async () => {
  const transport = createTransport({ host: mailbox.host, port: mailbox.port, auth: { user: "any", pass: "thing" } });
  await transport.sendMail({ from: "a@example.com", to: "b@example.com", subject: "in" });
  expect(mailbox.messages()).toHaveLength(1);
});

test("rejects a mail that is too large permanently", async () => {
  await expect(send({ text: "x".repeat(11 * 1024 * 1024) })).rejects.toMatchObject({ responseCode: 552 });
  expect(mailbox.messages()).toEqual([]);
});

test("rejects when the port is in use", async () => {
  await expect(startMailbox({ port: mailbox.port })).rejects.toThrow(/EADDRINUSE/);
});
