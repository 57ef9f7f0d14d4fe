import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "../../support/eventually.ts";
import { linkToken, mailTo, newPerson, register, signIn } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

let usermesh: Usermesh;
beforeAll(async () => {
  usermesh = await startUsermesh();
});
afterAll(() => usermesh.stop());

const link = /verify-email/;
const use = (token: string, access?: string) => usermesh.api.post("auth/verify-email", { token }, access);
const pendingOf = async (access: string) => (await usermesh.api.get("users/me", access)).body.data.pending_email;

async function someone() {
  const person = await register(usermesh);
  return { ...person, ...(await signIn(usermesh, person)) };
}

async function wish(access: string, email = newPerson("new").email) {
  expect((await usermesh.api.patch("users/me", { email }, access)).body.data?.pending_email).toBe(email);
  return { email, token: linkToken(await mailTo(usermesh, email, link)) };
}

describe("an email change", () => {
  test("is confirmed by the link mailed to the new address, and the old address is notified of request and change", async () => {
    const person = await someone();
    const { email, token } = await wish(person.access);
    await mailTo(usermesh, person.email, /change the email address/);
    const { status, body } = await use(token, person.access);
    expect([status, body.data]).toEqual([
      200,
      expect.objectContaining({ email, pending_email: null, is_verified: true }),
    ]);
    await mailTo(usermesh, person.email, /was changed/);
    expect((await usermesh.api.post("auth/login", { email, password: person.password })).status).toBe(200);
    expect(await usermesh.api.post("auth/login", person)).toBeProblem(422, "validation_failed");
  });

  test("accepts its link once", async () => {
    const { access } = await someone();
    const { token } = await wish(access);
    const all = await Promise.all(Array.from({ length: 8 }, () => use(token, access)));
    expect(all.map((one) => one.status).sort()).toEqual([200, 400, 400, 400, 400, 400, 400, 400]);
  });

  test("reserves nothing: 409 if another account has taken the address, and the pending email is cleared", async () => {
    const { access } = await someone();
    const { email, token } = await wish(access);
    await register(usermesh, { ...newPerson(), email });
    expect(await use(token, access)).toBeProblem(409, "email_taken");
    expect(await pendingOf(access)).toBeNull();
    expect(await use(token, access)).toBeProblem(400, "token_invalid");
  });

  test("is cancelled by a newer request", async () => {
    const { access } = await someone();
    const first = await wish(access);
    const second = await wish(access);
    expect(await use(first.token)).toBeProblem(400, "token_invalid");
    expect((await use(second.token, access)).status).toBe(200);
  });

  test("is cancelled by a password reset at once", async () => {
    const person = await someone();
    const { token } = await wish(person.access);
    await usermesh.api.post("auth/password-reset-request", { email: person.email });
    const reset = linkToken(await mailTo(usermesh, person.email, /reset-password/));
    const done = await usermesh.api.post("auth/password-reset-confirm", {
      token: reset,
      new_password: "Other-horse-8-staple",
    });
    expect(done.status).toBe(200);
    expect(await use(token)).toBeProblem(400, "token_invalid");
  });

  test("requested before a password change is void even if auth learns of it afterwards", async () => {
    const { id, access, password } = await someone();
    const { email, token } = await wish(access);
    await usermesh.api.post(
      "auth/change-password",
      { current_password: password, new_password: "Other-horse-8-staple" },
      access,
    );
    // As if the one-time token had been made after the change ended those that were there.
    await usermesh.database.query("UPDATE auth.one_time_tokens SET spent_at = NULL WHERE user_id = $1", [id]);
    await usermesh.database.query("UPDATE users.email_changes SET state = 'pending' WHERE user_id = $1", [id]);
    expect(await use(token)).toBeProblem(400, "token_invalid");
    expect(email).not.toBe("");
  });

  test("keeps the old address until it has been notified", async () => {
    const { id, access } = await someone();
    await use((await wish(access)).token, access);
    const recorded = "SELECT mails_sent, old_email FROM users.email_changes WHERE user_id = $1";
    const row = await eventually("all mails recorded", async () =>
      (await usermesh.database.query<{ mails_sent: string[] }>(recorded, [id])).find(
        (one) => one.mails_sent.length === 3,
      ),
    );
    expect(row.mails_sent.sort()).toEqual(["change_email", "email_change_requested", "email_changed"]);
  });

  test("can't be used to flood strangers' mailboxes", async () => {
    const { access } = await someone();
    const ask = async () => (await usermesh.api.patch("users/me", { email: newPerson().email }, access)).status;
    const statuses: number[] = [];
    for (let asked = 0; asked < 11; asked += 1) statuses.push(await ask());
    expect(statuses).toEqual([...Array(10).fill(200), 429]);
  });
});
