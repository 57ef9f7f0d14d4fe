import { randomBytes } from "node:crypto";
import { expect, test } from "@jest/globals";
import type { Mail } from "../../../lib/runtime/platform.ts";
import type { ApiClient } from "../clients/api-client.ts";
import { eventually } from "../eventually.ts";

/** A running Usermesh, embedded or a mesh, as its clients see it. */
export interface Running {
  readonly api: ApiClient;
  readonly admin: { readonly email: string; readonly password: string };
  mails(): readonly Mail[];
}

export interface Person {
  readonly email: string;
  readonly password: string;
}

export function newPerson(name = "ada"): Person {
  return {
    email: `${name}.${randomBytes(6).toString("hex")}@example.com`,
    password: `Right-${randomBytes(6).toString("hex")}-9A`,
  };
}

export async function mailTo(running: Running, email: string, pattern: RegExp): Promise<Mail> {
  const found = () => running.mails().find((mail) => mail.to.includes(email) && pattern.test(mail.subject + mail.text));
  return eventually(`a mail to ${email} with ${pattern}`, found);
}

export function linkToken(mail: Mail): string {
  const link = mail.text.split(/\r?\n/).find((line) => /^https?:\/\/\S+[?&#]token=\S+$/.test(line));
  const token = link?.split("token=")[1];
  if (!token) throw new Error(`No link on a line of its own in: ${mail.text}`);
  return token;
}

export async function signIn(
  running: Running,
  person: Person,
): Promise<{ access: string; refresh: string; session: string }> {
  const { status, body } = await running.api.post("auth/login", { email: person.email, password: person.password });
  expect([status, body.code]).toEqual([200, undefined]);
  return { access: body.data.access_token, refresh: body.data.refresh_token, session: body.data.session_id };
}

export async function register(
  running: Running,
  person = newPerson(),
  more: object = {},
): Promise<Person & { id: string }> {
  const { status, body } = await running.api.post("auth/register", { ...person, ...more });
  expect([status, body.code]).toEqual([201, undefined]);
  return { ...person, id: body.data.id };
}

/** Opens the mailed link elsewhere than where the account was registered, with its password. */
export async function verifyAddress(running: Running, { email, password }: Person): Promise<void> {
  const token = linkToken(await mailTo(running, email, /verify-email/));
  expect((await running.api.post("auth/verify-email", { token, password })).status).toBe(200);
}

/** The main job, step by step as a person does it. Each test goes on where the one before ended. */
export function describeMainFlow(running: () => Running): void {
  const person = newPerson();
  let access = "";
  let refresh = "";
  const api = () => running().api;

  test("a person registers", async () => {
    const { status, body } = await api().post("auth/register", {
      ...person,
      full_name: "Ada Lovelace",
      preferences: { remote: true },
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      success: true,
      data: { email: person.email, full_name: "Ada Lovelace", is_verified: false, is_active: true },
    });
  });

  test("the same address, in other letters, is a conflict", async () => {
    const answer = await api().post("auth/register", { ...person, email: person.email.toUpperCase() });
    expect(answer).toBeProblem(409, "email_taken");
  });

  test("gets a mail and verifies with its link, once", async () => {
    const token = linkToken(await mailTo(running(), person.email, /verify-email/));
    const page = await api().get(`auth/verify-email?token=${token}`);
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(await api().post("auth/verify-email", { token })).toBeProblem(403, "password_required");
    const verified = await api().post("auth/verify-email", { token, password: person.password });
    expect(verified.body.data.is_verified).toBe(true);
    const again = await api().post("auth/verify-email", { token, password: person.password });
    expect(again).toBeProblem(400, "token_invalid");
  });

  test("signs in", async () => {
    const { status, body } = await api().post("auth/login", { ...person, device_name: "Analytical Engine" });
    expect(status).toBe(200);
    expect(body.data).toMatchObject({
      status: "signed_in",
      token_type: "Bearer",
      expires_in: 1_800,
      user: { email: person.email },
    });
    ({ access_token: access, refresh_token: refresh } = body.data);
  });

  test("a wrong password and an unknown address get the same answer", async () => {
    const wrong = await api().post("auth/login", { email: person.email, password: "Wrong-1-wrong" });
    const unknown = await api().post("auth/login", { email: newPerson().email, password: "Wrong-1-wrong" });
    expect([wrong.status, wrong.body.code, wrong.body.detail]).toEqual([
      401,
      "invalid_credentials",
      unknown.body.detail,
    ]);
    expect(unknown.status).toBe(401);
  });

  test("refreshes, and the same token within its grace gives the same successor", async () => {
    const first = await api().post("auth/refresh", { refresh_token: refresh });
    expect(first.status).toBe(200);
    const second = await api().post("auth/refresh", { refresh_token: refresh });
    expect(second.body.data.refresh_token).toBe(first.body.data.refresh_token);
    ({ access_token: access, refresh_token: refresh } = second.body.data);
  });

  test("reads and changes the account", async () => {
    const changed = await api().patch(
      "users/me",
      { company: "Analytical Society", bio: "Notes on the Engine" },
      access,
    );
    expect(changed.status).toBe(200);
    const { body } = await api().get("users/me", access);
    expect(body.data).toMatchObject({
      company: "Analytical Society",
      bio: "Notes on the Engine",
      full_name: "Ada Lovelace",
    });
    expect((await api().put("users/me", { bio: null }, access)).body.data).toMatchObject({
      bio: null,
      company: "Analytical Society",
    });
  });

  test("reads and changes the profile", async () => {
    const change = {
      headline: "First programmer",
      skills: ["analysis"],
      phone: "+441234567890",
      date_of_birth: "1815-12-10",
    };
    expect((await api().put("users/me/profile", change, access)).status).toBe(200);
    expect((await api().get("users/me/profile", access)).body.data).toMatchObject(change);
  });

  test("reads and changes preferences, those sent at registration included", async () => {
    expect((await api().get("users/me/preferences", access)).body.data).toMatchObject({
      remote: true,
      age_min: 18,
      privacy_profile: "public",
    });
    expect((await api().patch("users/me/preferences", { age_min: 25, interests: ["engines"] }, access)).status).toBe(
      200,
    );
    expect((await api().get("users/me/preferences", access)).body.data).toMatchObject({
      remote: true,
      age_min: 25,
      interests: ["engines"],
    });
  });

  test("sees the sessions and ends one of them", async () => {
    const other = await signIn(running(), person);
    const { body } = await api().get("auth/sessions", access);
    expect(body.data).toHaveLength(2);
    expect(body.data.filter((session: { is_current: boolean }) => session.is_current)).toHaveLength(1);
    expect((await api().delete(`auth/sessions/${other.session}`, access)).status).toBe(200);
    expect(await api().get("users/me", other.access)).toBeProblem(401, "session_ended");
    expect((await api().get("users/me", access)).status).toBe(200);
  });

  test("changes the password: other sessions end, this one stays, a notice is mailed", async () => {
    const other = await signIn(running(), person);
    const changed = { ...person, password: `${person.password}-changed` };
    const answer = await api().post(
      "auth/change-password",
      { current_password: person.password, new_password: changed.password },
      access,
    );
    expect(answer.status).toBe(200);
    expect((await api().get("users/me", other.access)).status).toBe(401);
    expect((await api().get("users/me", access)).status).toBe(200);
    await mailTo(running(), person.email, /password/i);
    Object.assign(person, changed);
  });

  test("resets a forgotten password: single use, every session ends", async () => {
    expect((await api().post("auth/password-reset-request", { email: person.email })).status).toBe(202);
    const token = linkToken(await mailTo(running(), person.email, /reset-password/));
    const password = `${person.password}-reset`;
    expect((await api().post("auth/password-reset-confirm", { token, new_password: password })).status).toBe(200);
    const again = await api().post("auth/password-reset-confirm", { token, new_password: `${password}-again` });
    expect(again).toBeProblem(400, "token_invalid");
    expect(await api().get("users/me", access)).toBeProblem(401, "session_ended");
    expect((await api().post("auth/login", person)).status).toBe(401);
    Object.assign(person, { password });
    access = (await signIn(running(), person)).access;
  });

  test("a reset asked for an unknown address answers the same and mails nothing", async () => {
    const stranger = newPerson();
    expect((await api().post("auth/password-reset-request", { email: stranger.email })).status).toBe(202);
    expect(
      running()
        .mails()
        .some((mail) => mail.to.includes(stranger.email)),
    ).toBe(false);
  });

  test("signs out: the old access token is refused at once", async () => {
    expect((await api().post("auth/logout", undefined, access)).status).toBe(200);
    expect(await api().get("auth/me", access)).toBeProblem(401, "session_ended");
  });

  test("an administrator lists, disables and enables the account; a user may not", async () => {
    const user = await signIn(running(), person);
    expect((await api().get("admin/users", user.access)).status).toBe(403);
    const admin = await signIn(running(), running().admin);
    const list = await api().get(`admin/users?search=${encodeURIComponent(person.email)}`, admin.access);
    expect(list.body).toMatchObject({ meta: { total: 1, page: 1 }, data: [{ email: person.email }] });
    const id: string = list.body.data[0].id;
    expect((await api().get(`admin/users/${id}`, admin.access)).body.data.email).toBe(person.email);
    const disabled = await api().put(
      `admin/users/${id}/status`,
      { is_active: false, reason: "Suspicious" },
      admin.access,
    );
    expect(disabled.body.data.is_active).toBe(false);
    expect(await api().get("users/me", user.access)).toBeProblem(401, "session_ended");
    expect(await api().post("auth/login", person)).toBeProblem(403, "account_disabled");
    await api().put(`admin/users/${id}/status`, { is_active: true }, admin.access);
    expect((await signIn(running(), person)).access).not.toBe("");
  });

  test("each mail came once", async () => {
    const ids = running()
      .mails()
      .filter((mail) => mail.to.includes(person.email))
      .map((mail) => mail.message_id);
    expect(ids.length).toBeGreaterThanOrEqual(3);
    expect(new Set(ids).size).toBe(ids.length);
  });
}
