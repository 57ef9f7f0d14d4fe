import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Mail } from "../../lib/runtime/platform.ts";
import type { ApiClient } from "../support/clients/api-client.ts";
import { requestUntilAnswered } from "../support/clients/api-client.ts";
import { eventually } from "../support/eventually.ts";
import { describeKeys, keyed, registerUntilAnswered } from "../support/flows/idempotency.ts";
import { linkToken, newPerson } from "../support/flows/main-flow.ts";
import { describeReplay } from "../support/flows/replay.ts";
import type { Installation } from "../support/start/installation.ts";
import { type NpmStart, prepareNpmStart } from "../support/start/npm-start.ts";
import { startUsermesh } from "../support/start/usermesh.ts";

describe("an idempotency key, in one process", () => {
  let usermesh: Installation;
  beforeAll(async () => {
    usermesh = await startUsermesh();
  });
  afterAll(() => usermesh?.stop());

  describeKeys(() => usermesh);
  describeReplay(() => usermesh);
});

const KILLS = 3;
/** Some more than a registration takes here. */
const LATEST_MS = 60;

describe("npm start, killed with all that it started", () => {
  let usermesh: NpmStart;
  let api: ApiClient;
  beforeAll(async () => {
    usermesh = await prepareNpmStart();
    api = await usermesh.start();
  });
  afterAll(() => usermesh?.stop());

  /** Once there is one. A job whose worker was killed is another's after 15 s. */
  const mailsTo = (email: string, subject?: string) =>
    eventually(`a mail to ${email}`, () => {
      const mails = usermesh
        .mails()
        .filter((mail) => mail.to.includes(email) && (!subject || mail.subject === subject));
      return mails.length > 0 && mails;
    });

  test(`${KILLS} times in the middle of a keyed registration: one account, one mail, one answer`, async () => {
    for (let kill = 0; kill < KILLS; kill += 1) {
      const person = newPerson("mortal");
      const before = registerUntilAnswered([api], person);
      await sleep(Math.random() * LATEST_MS);
      await usermesh.kill();
      api = await usermesh.start();
      const answer = await before;
      const again = await registerUntilAnswered([api], person);
      expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([201, "true"]);
      expect(again.body).toEqual(answer.body);
      expect((await api.post("auth/login", person)).status).toBe(200);
      const mails = await mailsTo(person.email);
      // Killed between the mail server's 250 and our record it comes again, the same.
      expect(new Set(mails.map((mail) => mail.message_id + mail.text)).size).toBe(1);
    }
  });

  test(`${KILLS} times after a sign-up: the mail comes all the same, with a link that works`, async () => {
    for (let kill = 0; kill < KILLS; kill += 1) {
      const person = newPerson("awaited");
      expect((await api.post("auth/register", person)).status).toBe(201);
      await sleep(Math.random() * LATEST_MS);
      await usermesh.kill();
      api = await usermesh.start();
      const [mail] = await mailsTo(person.email);
      const token = linkToken(mail as Mail);
      expect((await api.post("auth/verify-email", { token, password: person.password })).status).toBe(200);
    }
  });

  test(`${KILLS} times while an account is changed: each change is done, told and mailed of once, in order`, async () => {
    const patient = (method: string, path: string, body: object, token?: string) => {
      const headers = keyed(randomUUID());
      return requestUntilAnswered(() => api.request(method, path, { body, headers, token }));
    };
    const person = newPerson("changed");
    const { id } = (await patient("POST", "auth/register", person)).body.data;
    const access = (await patient("POST", "auth/login", person)).body.data.access_token;
    const names = Array.from({ length: KILLS * 4 }, (_, n) => `Name ${n}`);
    const changed = (async () => {
      for (const full_name of names)
        expect((await patient("PATCH", "users/me", { full_name }, access)).status).toBe(200);
      const passwords = { current_password: person.password, new_password: `${person.password}-new` };
      expect((await patient("POST", "auth/change-password", passwords, access)).status).toBe(200);
    })();
    for (let kill = 0; kill < KILLS; kill += 1) {
      await sleep(Math.random() * LATEST_MS);
      await usermesh.kill();
      api = await usermesh.start();
    }
    await changed;
    const after = await patient("POST", "auth/login", { ...person, password: `${person.password}-new` });
    const notices = await mailsTo(person.email, "Your password was changed");
    expect(new Set(notices.map((mail) => mail.message_id)).size).toBe(1);

    const vendor = (await api.post("auth/login", usermesh.admin)).body.data.access_token;
    const told = async () => {
      const { body } = await api.get(`admin/users/${id}/activity?limit=100`, vendor);
      return body.data.map(({ action }: { action: string }) => action).toReversed();
    };
    const changes = ["user.created", ...names.map(() => "user.updated"), "password.changed"];
    await eventually("all to be told", async () => (await told()).filter(isOneOf(changes)).length >= changes.length);
    expect((await told()).filter(isOneOf(changes))).toEqual(changes);
    expect((await api.get("users/me", after.body.data.access_token)).body.data.full_name).toBe(names.at(-1));
  });
});

function isOneOf(names: readonly string[]): (name: string) => boolean {
  return (name) => names.includes(name);
}
