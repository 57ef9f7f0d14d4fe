import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createBrowserClient } from "../support/clients/browser-client.ts";
import { beginLink, comeBack, signInBy } from "../support/data/oauth-flow.ts";
import { linkToken, mailTo, newPerson, register, signIn } from "../support/flows/main-flow.ts";
import {
  type MaliciousProviderInstallation,
  startMaliciousProviderInstallation,
} from "../support/start/malicious-provider-installation.ts";
import type { Usermesh } from "../support/start/usermesh.ts";

let installation: MaliciousProviderInstallation;
let usermesh: Usermesh;
beforeAll(async () => {
  installation = await startMaliciousProviderInstallation("https://app.example.com/signed-in");
  ({ usermesh } = installation);
});
afterAll(() => installation.stop());

const path = "auth/verify-email";
const linkTo = async (email: string) => linkToken(await mailTo(usermesh, email, /verify-email/));
const me = async (access: string) => (await usermesh.api.get("users/me", access)).body.data;

describe("a stranger who registered the victim's address", () => {
  async function stranger() {
    const person = await register(usermesh, newPerson("victim"));
    return { ...person, ...(await signIn(usermesh, person)), token: await linkTo(person.email) };
  }

  test("gets no verified account by the victim's click, and the victim's provider takes it over later", async () => {
    const { id, email, access, password, token } = await stranger();
    const refusal = await usermesh.api.post(path, { token });
    expect(refusal).toBeProblem(403, "password_required");
    expect(refusal.body.errors.map((one: { field: string }) => one.field)).toEqual(["password", "new_password"]);
    expect((await me(access)).is_verified).toBe(false);
    const claims = { sub: newPerson().email, email, email_verified: true };
    const owner = await signInBy(usermesh.api, "liar", installation.liar, claims);
    expect(owner.body.data.user).toMatchObject({ id, is_verified: true });
    expect(await usermesh.api.post("auth/login", { email, password })).toBeProblem(401, "invalid_credentials");
  });

  test.each([
    [
      "another account's access token",
      async () => ({ access: (await signIn(usermesh, await register(usermesh))).access }),
    ],
    [
      "the stranger's ended session",
      async ({ access }: { access: string }) => {
        await usermesh.api.post("auth/logout", undefined, access);
        return { access };
      },
    ],
    ["another registration's cookie", async () => ({ cookie: await registrationCookie(newPerson()) })],
    ["a made-up cookie", async () => ({ cookie: `usermesh_registration=${"A".repeat(43)}` })],
  ])("is not vouched for by %s", async (_, evidence) => {
    const { token, access: own } = await stranger();
    const { access, cookie } = { access: undefined, cookie: "", ...(await evidence({ access: own })) };
    const headers = { cookie };
    const answer = await usermesh.api.request("POST", path, { body: { token }, token: access, headers });
    expect(answer).toBeProblem(403, "password_required");
  });

  test("cannot be guessed at through the link: wrong passwords count as attempts to sign in", async () => {
    const { token } = await stranger();
    const guess = async () => (await usermesh.api.post(path, { token, password: newPerson().password })).status;
    for (let attempt = 0; attempt < 10; attempt += 1) expect(await guess()).toBe(401);
    expect(await guess()).toBe(429);
  });

  test.each([
    [{ password: "Right-1-horse", new_password: "Right-1-horse" }, "password"],
    [{ new_password: "password" }, "new_password"],
    [{ new_password: "Right-1-horse", confirm_password: "Other-1-horse" }, "confirm_password"],
    [{ registration_binding: "x" }, "registration_binding"],
  ])("is not helped by %j", async (body, field) => {
    const answer = await usermesh.api.post(path, { token: (await stranger()).token, ...body });
    expect([answer.status, answer.body.errors?.[0]?.field]).toEqual([422, field]);
  });
});

async function registrationCookie(person: object): Promise<string> {
  const browser = createBrowserClient(usermesh.api);
  await browser.request("POST", "auth/register", { body: person });
  return `usermesh_registration=${browser.cookies.get("usermesh_registration")}`;
}

describe("an account that asks to be moved to the victim's address", () => {
  test("is not moved by the victim's click, not even with a new password", async () => {
    const person = newPerson("attacker");
    const cookie = await registrationCookie(person);
    const { access } = await signIn(usermesh, person);
    const { email } = newPerson("victim");
    expect((await usermesh.api.patch("users/me", { email }, access)).status).toBe(200);
    const token = await linkTo(email);
    for (const more of [{}, { new_password: newPerson().password }]) {
      const answer = await usermesh.api.request("POST", path, { body: { token, ...more }, headers: { cookie } });
      expect(answer).toBeProblem(403, "password_required");
      expect(answer.body.errors.map((one: { field: string }) => one.field)).toEqual(["password"]);
    }
    expect(await me(access)).toMatchObject({ email: person.email, is_verified: false });
    expect((await usermesh.api.post(path, { token, password: person.password })).body.data.email).toBe(email);
  });
});

describe("the person who registered", () => {
  test("verifies in the same browser with a click, and loses nothing", async () => {
    const browser = createBrowserClient(usermesh.api);
    const person = newPerson();
    const body = { ...person, push_token: "own-device" };
    expect((await browser.request("POST", "auth/register", { body })).status).toBe(201);
    expect(browser.setCookies[0]).toMatch(
      /^usermesh_registration=[\w-]{43}; Max-Age=86400; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    const { access } = await signIn(usermesh, person);
    const way = await beginLink(usermesh.api, "liar", access);
    const claims = { sub: newPerson().email, email: newPerson().email, email_verified: true };
    await comeBack(usermesh.api, way, { code: installation.liar.issue(way.authorizeUrl, claims) });
    const verified = await browser.request("POST", path, { body: { token: await linkTo(person.email) } });
    expect([verified.status, verified.body.data.is_verified]).toEqual([200, true]);
    expect(await me(access)).toMatchObject({ is_verified: true, has_push_token: true });
    expect((await usermesh.api.get("auth/identities", access)).body.data).toHaveLength(1);
    expect((await signIn(usermesh, person)).access).not.toBe("");
  });

  test("verifies signed in with cookies, with the page's CSRF token", async () => {
    const browser = createBrowserClient(usermesh.api);
    const person = await register(usermesh);
    await browser.request("POST", "auth/login", {
      body: { email: person.email, password: person.password, use_cookies: true },
    });
    const token = await linkTo(person.email);
    expect(await browser.request("POST", path, { body: { token } })).toBeProblem(403, "csrf_failed");
    expect((await browser.own("POST", path, { token })).status).toBe(200);
  });
});

test("a verification link sets no password once the address is verified", async () => {
  const person = await register(usermesh);
  const token = await linkTo(person.email);
  await usermesh.database.query("UPDATE users.users SET is_verified = true WHERE id = $1", [person.id]);
  const answer = await usermesh.api.post(path, { token, new_password: newPerson().password });
  expect(answer).toBeProblem(400, "token_invalid");
});
