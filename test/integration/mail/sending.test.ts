import { randomBytes, randomUUID } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { MeshEvent } from "../../../lib/events/events.ts";
import type { Mail } from "../../../lib/runtime/platform.ts";
import { type Mailbox, startMailbox } from "../../../scripts/local-servers/mailbox.ts";
import { findFreePort } from "../../../scripts/local-servers/ports.ts";
import { eventually } from "../../support/eventually.ts";
import { type RunningServices, startServices } from "../../support/start/services.ts";

let services: RunningServices;
let mailbox: Mailbox | undefined;
let port: number;
let received: Mail[];

const startSmtp = async (): Promise<void> => {
  mailbox = await startMailbox({ port });
  mailbox.onMessage((mail) => received.push(mail));
};

const stopSmtp = async (): Promise<void> => {
  await mailbox?.stop();
  mailbox = undefined;
};

const register = async (preferences: { language?: string } = {}): Promise<string> => {
  const email = `p-${randomBytes(8).toString("hex")}@example.com`;
  const person = { email, password: "Sunny-meadow-42", full_name: "Ada <b>Lovelace</b>", preferences };
  await services.call("auth.register", person);
  return email;
};

const mailsTo = (email: string): Mail[] => received.filter((mail) => mail.to.includes(email));
const mailTo = (email: string) => eventually(`a mail to ${email}`, () => mailsTo(email)[0]);
const counts = () => services.platform.queues.counts("mail");

beforeEach(async () => {
  received = [];
  port = await findFreePort();
  await startSmtp();
  services = await startServices(["auth", "users", "sessions", "preferences", "mail", "worker-mail"], {
    SMTP_HOST: "127.0.0.1",
    SMTP_PORT: String(port),
    CIRCUIT_BREAKER_FAILURES: "5",
    CIRCUIT_BREAKER_OPEN_SECONDS: "3",
  });
});

afterEach(async () => {
  await services.stop();
  await stopSmtp();
});

test("a verification mail has the link on a line of its own and no name", async () => {
  const email = await register();
  const mail = await mailTo(email);
  expect(mail.text).toMatch(/^http:\/\/\S+\/api\/v1\/auth\/verify-email#token=v1\.[\w.-]+\r?$/m);
  expect(mail.html).toContain(">Hello,</p>");
  expect(mail.message_id).toMatch(/^<[0-9a-f-]{36}@localhost>$/);
  expect(mail.headers).toMatchObject({ "auto-submitted": "auto-generated", "x-correlation-id": expect.any(String) });
});

test("the language is the reader's preference, or else the first language of the request that has texts", async () => {
  const reader = await register({ language: "fr-CH" });
  expect((await mailTo(reader)).subject).toBe("Confirmez votre adresse e-mail");
  const other = await register();
  await mailTo(other);
  const asMail = { kind: "service", name: "auth" } as const;
  for (const [email, languages] of [
    [reader, ["en"]],
    [other, ["de", "fr", "en"]],
  ] as const) {
    const { tenant_id, user } = await services.call("users.findForSignIn", { tenant: "default", email }, asMail);
    const ids = { id: randomUUID(), user_id: user?.id ?? "", tenant_id, correlation_id: "c3" };
    const job = { ...ids, kind: "token_reused" as const, languages: [...languages] };
    await services.call("mail.send", job, { kind: "service", name: "worker-mail" });
    await eventually("the notice", () => mailsTo(email)[1]);
    expect(mailsTo(email)[1]?.subject).toBe("Nous avons mis fin à l’une de vos sessions");
  }
});

test("while SMTP is unavailable sign-up works, the breaker opens and no attempts are used; afterwards each mail is sent once", async () => {
  const opened: unknown[] = [];
  services.broker.localBus.on("$circuit-breaker.opened", (payload: unknown) => opened.push(payload));
  await mailTo(await register());
  await stopSmtp();
  const people = [await register(), await register(), await register()];
  await eventually("the breaker opens", () => opened.length > 0);
  people.push(await register());
  await startSmtp();
  for (const email of people) await mailTo(email);
  await eventually("the queue is empty", async () => (await counts()).completed === people.length + 1);
  expect(people.map((email) => mailsTo(email).length)).toEqual([1, 1, 1, 1]);
  expect(await counts()).toMatchObject({ failed: 0, delayed: 0, waiting: 0 });
});

test("a message sent by three workers at once is delivered once, and the others report already_sent", async () => {
  const email = await register();
  await mailTo(email);
  const { tenant_id, user } = await services.call(
    "users.findForSignIn",
    { tenant: "default", email },
    { kind: "service", name: "auth" },
  );
  const job = {
    id: randomUUID(),
    kind: "password_changed" as const,
    user_id: user?.id ?? "",
    tenant_id,
    correlation_id: "c1",
  };
  const send = () => services.call("mail.send", job, { kind: "service", name: "worker-mail" });
  const outcomes = await Promise.allSettled([send(), send(), send()]);
  expect(outcomes.filter((one) => one.status === "fulfilled" && one.value.outcome === "sent")).toHaveLength(1);
  expect(await send()).toEqual({ outcome: "already_sent" });
  expect(mailsTo(email).map(({ subject }) => subject)).toEqual([
    "Confirm your email address",
    "Your password was changed",
  ]);
});

test("a password reset causes one notice, even if its event is delivered repeatedly", async () => {
  const email = await register();
  await mailTo(email);
  const { tenant_id, user } = await services.call(
    "users.findForSignIn",
    { tenant: "default", email },
    { kind: "service", name: "auth" },
  );
  const event: MeshEvent = {
    event_id: randomUUID(),
    event_type: "password.changed",
    source: "auth",
    version: 1,
    schema_version: 1,
    user_id: user?.id ?? "",
    tenant_id,
    timestamp: new Date().toISOString(),
    correlation_id: "c2",
  };
  await services.platform.events.publish(event);
  await services.platform.events.publish(event);
  await eventually("the notice", () => mailsTo(email).length === 2);
  await eventually("the queue is empty", async () => (await counts()).completed === 2);
  expect(mailsTo(email).map(({ headers }) => headers["x-correlation-id"])).toContain("c2");
  expect(mailsTo(email)).toHaveLength(2);
});
