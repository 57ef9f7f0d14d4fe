import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createBrowserClient } from "../support/clients/browser-client.ts";
import { verdict } from "../support/data/tenants.ts";
import { eventually } from "../support/eventually.ts";
import { linkToken, mailTo, newPerson, type Person, register, signIn } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

/** That every node refuses an ended session at once is tested in test/integration/revocation.test.ts and test/mesh/revocation. */
let usermesh: Usermesh;
beforeAll(async () => {
  usermesh = await startUsermesh();
});
afterAll(() => usermesh.stop());

const refresh = (refresh_token: string) => usermesh.api.post("auth/refresh", { refresh_token });
const subjectsTo = (email: string) =>
  usermesh.mails().flatMap((mail) => (mail.to.includes(email) ? [mail.subject] : []));

async function signedIn() {
  const person = await register(usermesh);
  return { person, ...(await signIn(usermesh, person)) };
}

/** Moves the session's times into the past. */
const later = (session: string, days: number) =>
  usermesh.database.query(
    `UPDATE sessions.sessions SET created_at = created_at - $2::interval, last_used_at = last_used_at - $2::interval,
       expires_at = expires_at - $2::interval, max_expires_at = max_expires_at - $2::interval WHERE id = $1`,
    [session, `${days} days`],
  );

describe("a sign-in", () => {
  test("creates a new session each time, whatever session the client already has [V7.2.4]", async () => {
    const person = await register(usermesh);
    const browser = createBrowserClient(usermesh.api);
    const enter = async () =>
      (await browser.request("POST", "auth/login", { body: { ...person, id: undefined, use_cookies: true } })).body
        .data;
    const first = await enter();
    const before = new Map(browser.cookies);
    const second = await enter();
    expect(second.session_id).not.toBe(first.session_id);
    // The device and the tenant stay the same.
    before.delete("device_token");
    before.delete("tenant");
    for (const [name, value] of before) expect(browser.cookies.get(name)).not.toBe(value);
  });

  test("does not keep a session that an attacker planted in the cookies (session fixation)", async () => {
    const [planted, person] = [await signedIn(), await register(usermesh)];
    const { email, password } = person;
    const headers = { cookie: `access_token=${planted.access}; refresh_token=${planted.refresh}` };
    const body = { email, password };
    const answer = await usermesh.api.request("POST", "auth/login", { body, headers });
    expect(answer.body.data.session_id).not.toBe(planted.session);
    expect(answer.body.data.user.email).toBe(email);
  });
});

describe("a session expires [V7.3.1, 7.3.2]", () => {
  test("after 7 days without a refresh", async () => {
    const { session, refresh: token } = await signedIn();
    await later(session, 7.01);
    expect(verdict(await refresh(token))).toBe("401 session_ended");
  });

  test("after 30 days, however often it is refreshed", async () => {
    let { session, refresh: token } = await signedIn();
    for (let week = 1; week <= 4; week += 1) {
      await later(session, 6.9);
      const answer = await refresh(token);
      expect(answer.status).toBe(200);
      token = answer.body.data.refresh_token;
      const left = Math.min(7, 30 - week * 6.9) * 86_400;
      expect(Math.abs(answer.body.data.refresh_expires_in - left)).toBeLessThan(120);
    }
    await later(session, 2.5);
    expect(verdict(await refresh(token))).toBe("401 session_ended");
  });

  test("together with its access token", async () => {
    const { session, refresh: token } = await signedIn();
    await later(session, 6.9999);
    const { body } = await refresh(token);
    await usermesh.database.query(
      "UPDATE sessions.sessions SET max_expires_at = now() + interval '90 s', expires_at = now() + interval '90 s' WHERE id = $1",
      [session],
    );
    const last = (await refresh(body.data.refresh_token)).body.data;
    expect(last.expires_in).toBeLessThanOrEqual(90);
  });
});

describe("a stolen refresh token [9700 4.14.2]", () => {
  test("used after its grace period ends the session and its access token, and the owner is notified", async () => {
    const { person, session, access, refresh: stolen } = await signedIn();
    const { body } = await refresh(stolen);
    await usermesh.database.query(
      "UPDATE sessions.sessions SET spent_at = ARRAY[now() - interval '31 s'] WHERE id = $1",
      [session],
    );
    expect(verdict(await refresh(stolen))).toBe("401 token_reused");
    for (const token of [access, body.data.access_token])
      expect(verdict(await usermesh.api.get("users/me", token))).toBe("401 session_ended");
    expect((await refresh(body.data.refresh_token)).status).toBe(401);
    await mailTo(usermesh, person.email, /We ended one of your sessions/);
  });

  test("used within its grace period yields no second chain of tokens", async () => {
    const { refresh: token } = await signedIn();
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(token)));
    expect(new Set(answers.map(verdict))).toEqual(new Set(["200 ok"]));
    expect(new Set(answers.map(({ body }) => body.data.refresh_token)).size).toBe(1);
  });

  test("with any part changed is 401 and changes nothing", async () => {
    const [mine, other] = [await signedIn(), await signedIn()];
    const [version, kid, id, counter, mac = ""] = mine.refresh.split(".");
    for (const forged of [
      `${version}.${kid}.${other.session}.${counter}.${mac}`,
      `${version}.${kid}.${id}.${Number(counter) + 1}.${mac}`,
      `${version}.${kid}.${id}.-1.${mac}`,
      `${version}.zz.${id}.${counter}.${mac}`,
      `${version}.${kid}.${id}.${counter}.${mac.slice(0, -1)}${mac.at(-1) === "A" ? "B" : "A"}`,
      `${mine.refresh}.`,
      mine.access,
      "' OR '1'='1",
    ])
      expect([forged, (await refresh(forged)).status]).toEqual([forged, 401]);
    expect([(await refresh(mine.refresh)).status, (await refresh(other.refresh)).status]).toEqual([200, 200]);
  });
});

describe("the owner is notified by mail [V6.3.7]", () => {
  test("of a password change and of a password reset", async () => {
    const { person, access } = await signedIn();
    const body = { current_password: person.password, new_password: "Fresh-horse-8-staple" };
    expect((await usermesh.api.post("auth/change-password", body, access)).status).toBe(200);
    await mailTo(usermesh, person.email, /Your password was changed/);
    await usermesh.api.post("auth/password-reset-request", { email: person.email });
    const token = linkToken(await mailTo(usermesh, person.email, /reset-password/));
    await usermesh.api.post("auth/password-reset-confirm", { token, new_password: "Other-horse-9-staple" });
    await usermesh.settled();
    await mailTo(usermesh, person.email, /Your password was changed/);
    const told = () => subjectsTo(person.email).filter((subject) => subject === "Your password was changed").length;
    await mailedTwice(told);
  });

  test("at the old address, of a requested and of a completed email change", async () => {
    const { person, access } = await signedIn();
    const next: Person = newPerson("next");
    const wish = { email: next.email, current_password: person.password };
    expect((await usermesh.api.patch("users/me", wish, access)).status).toBe(200);
    await mailTo(usermesh, person.email, /A change of your email address was requested/);
    const token = linkToken(await mailTo(usermesh, next.email, /verify-email/));
    expect((await usermesh.api.post("auth/verify-email", { token }, access)).status).toBe(200);
    await mailTo(usermesh, person.email, /Your email address was changed/);
  });

  test("of a changed username, which an old session cannot change without the password [V7.5.1]", async () => {
    const { person, session, refresh: token } = await signedIn();
    const username = `u-${session.slice(-12)}`;
    await usermesh.database.query(
      "UPDATE sessions.sessions SET auth_time = now() - interval '6 minutes' WHERE id = $1",
      [session],
    );
    const { access_token: old } = (await refresh(token)).body.data;
    const change = (body: object) => usermesh.api.patch("users/me", body, old);
    expect(verdict(await change({ username }))).toBe("401 step_up_required");
    expect(verdict(await change({ username, current_password: "Wrong-1-horse" }))).toBe("401 invalid_credentials");
    expect(verdict(await change({ username: null }))).toBe("200 ok");
    expect(verdict(await change({ username, current_password: person.password }))).toBe("200 ok");
    await mailTo(usermesh, person.email, /Your username was changed/);
    expect(verdict(await change({ username, bio: "The same username needs no password" }))).toBe("200 ok");
  });

  test("of a username that is changed along with the email", async () => {
    const { person, access, session } = await signedIn();
    const change = { email: newPerson("next").email, username: `u-${session.slice(-12)}` };
    expect((await usermesh.api.patch("users/me", change, access)).status).toBe(200);
    await mailTo(usermesh, person.email, /Your username was changed/);
    await mailTo(usermesh, person.email, /A change of your email address was requested/);
  });

  test("at most ten times per hour of one kind of change, so that a stranger's account cannot flood the mailbox", async () => {
    const { person, access, session } = await signedIn();
    for (let change = 0; change < 13; change += 1) {
      const username = `u${change}-${session.slice(-12)}`;
      expect((await usermesh.api.patch("users/me", { username }, access)).status).toBe(200);
    }
    await usermesh.api.post(
      "auth/change-password",
      { current_password: person.password, new_password: "Fresh-horse-8-staple" },
      access,
    );
    // Events of one user come in order, but not those of different services.
    await mailTo(usermesh, person.email, /Your password was changed/);
    await usermesh.settled();
    const count = () => subjectsTo(person.email).filter((subject) => subject === "Your username was changed").length;
    await eventually("ten mails", () => count() >= 10);
    expect(count()).toBe(10);
  });

  test("of a deactivation by an administrator", async () => {
    const { person } = await signedIn();
    const admin = await signIn(usermesh, usermesh.admin);
    await usermesh.api.put(`admin/users/${person.id}/status`, { is_active: false, reason: "x" }, admin.access);
    await mailTo(usermesh, person.email, /Your account was deactivated/);
  });
});

const mailedTwice = (count: () => number) => eventually("two mails", () => count() === 2);
