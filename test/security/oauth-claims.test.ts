import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ErrorCode } from "../../lib/actions/errors.ts";
import { beginLink, comeBack, signInBy } from "../support/data/oauth-flow.ts";
import type { MaliciousProvider } from "../support/fakes/malicious-provider.ts";
import { linkToken, mailTo, newPerson, register, signIn } from "../support/flows/main-flow.ts";
import {
  type MaliciousProviderInstallation,
  madeBy,
  someone,
  startMaliciousProviderInstallation,
} from "../support/start/malicious-provider-installation.ts";
import type { Usermesh } from "../support/start/usermesh.ts";

let installation: MaliciousProviderInstallation;
let usermesh: Usermesh;
let liar: MaliciousProvider;

beforeAll(async () => {
  installation = await startMaliciousProviderInstallation("https://app.example.com/signed-in");
  ({ usermesh, liar } = installation);
});
afterAll(() => installation.stop());

const signInAs = (claims: object) => signInBy(usermesh.api, "liar", liar, { ...someone(), ...claims });
const random = (length: number) => randomBytes(length).toString("base64url").slice(0, length);

/** Refused without any new account, link or session. */
async function expectRefused(claims: object, status = 400, code: ErrorCode = "oauth_failed") {
  const before = await madeBy(installation);
  expect(await signInAs(claims)).toBeProblem(status, code);
  expect(await madeBy(installation)).toEqual(before);
}

describe("a sub", () => {
  test("that is empty does not make one account of two people", async () => {
    await expectRefused({ sub: "" });
    await expectRefused({ sub: "" });
  });

  test.each([
    ["a NUL", `${random(20)}\u0000`],
    ["10,000 random characters", random(10_000)],
    ["256 characters", random(256)],
    ["a line break", `${random(20)}\n`],
    ["DEL", `${random(20)}\u007F`],
    ["a letter outside ASCII", `${random(20)}é`],
    ["a lone surrogate", `${random(20)}\uD800`],
    ["the type number", 42],
    ["the type boolean", true],
    ["the type array", [random(20)]],
    ["the type object", { value: random(20) }],
    ["the type null", null],
    ["no value", undefined],
  ])("with %s is refused", (_, sub) => expectRefused({ sub }));

  test.each([
    ["255 characters", random(255)],
    ["one character", "~"],
    ["punctuation and a space", `auth0|${random(20)} <'";--\\>`],
  ])("with %s signs in to the same account each time", async (_, sub) => {
    const [first, second] = [await signInAs({ sub }), await signInAs({ sub })];
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.body.data.user.id).toBe(first.body.data.user.id);
  });

  test.each(["", "\u0000"])("%j is not linked to an account either", async (sub) => {
    const { access } = await signIn(usermesh, await register(usermesh));
    const way = await beginLink(usermesh.api, "liar", access);
    const code = liar.issue(way.authorizeUrl, { ...someone(), sub });
    expect(await comeBack(usermesh.api, way, { code })).toBeProblem(400, "oauth_failed");
    expect((await usermesh.api.get("auth/identities", access)).body.data).toEqual([]);
  });
});

describe("an ID token", () => {
  const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

  test.each([
    ["iat", "an hour ahead", () => inSeconds(3600)],
    ["iat", "two minutes ahead", () => inSeconds(120)],
    ["iat", "in milliseconds", () => Date.now()],
    ["iat", "as a string", () => String(inSeconds(0))],
    ["nbf", "an hour ahead", () => inSeconds(3600)],
  ])("with %s %s is refused", (claim, _, time) => expectRefused({ [claim]: time() }));

  test("issued by a clock that is ten seconds fast is accepted", async () => {
    expect((await signInAs({ iat: inSeconds(10) })).status).toBe(200);
  });
});

describe("an email address", () => {
  test.each([
    ["a NUL", `${random(20)}\u0000@example.com`],
    ["10,000 random characters", `${random(10_000)}@example.com`],
    ["256 characters", `${random(20)}@${random(60)}.${random(60)}.${random(60)}.${random(52)}`],
    ["a line break", `${random(20)}@example.com\nbcc: other@example.com`],
    ["an invisible character", `${random(20)}\u200B@example.com`],
    ["a lone surrogate", `${random(20)}\uD800@example.com`],
    ["the type number", 42],
    ["the type array", [`${random(20)}@example.com`]],
    ["the type object", { value: `${random(20)}@example.com` }],
    ["the type null", null],
    ["no value", undefined],
  ])("with %s creates no account", (_, email) => expectRefused({ email }));

  test.each([["yes"], ["TRUE"], [1], [["true"]], [{}], [null]])("is not verified by %j", async (email_verified) => {
    const { status, body } = await signInAs({ email_verified });
    expect([status, body.data.user.is_verified]).toEqual([200, false]);
  });
});

test.each([
  ["a NUL", "Ada\u0000"],
  ["10,000 random characters", random(10_000)],
  ["a lone surrogate", "Ada\uD800"],
  ["the type number", 42],
  ["the type array", ["Ada"]],
  ["the type object", { value: "Ada" }],
])("a name with %s is not stored", async (_, name) => {
  const { status, body } = await signInAs({ name });
  expect([status, body.data.user.full_name]).toEqual([200, null]);
});

describe("a verified address that only looks like the one of an account", () => {
  async function accountOf(email: string, verified: boolean) {
    const person = { ...newPerson(), email };
    expect((await usermesh.api.post("auth/register", person)).status).toBe(201);
    const token = linkToken(await mailTo(usermesh, email, /verify-email/));
    if (verified)
      expect((await usermesh.api.post("auth/verify-email", { token, password: person.password })).status).toBe(200);
    return person;
  }
  const address = () => `kim.files.${randomBytes(6).toString("hex")}@corp.example.com`;

  describe.each([
    ["verified", true],
    ["unverified", false],
  ])("if that account is %s", (_, verified) => {
    test.each([
      ["U+212A KELVIN SIGN", "k", "\u212A"],
      ["U+017F LATIN SMALL LETTER LONG S", "s", "\u017F"],
      ["U+FB01 LATIN SMALL LIGATURE FI", "fi", "\uFB01"],
      ["U+FF4B FULLWIDTH LATIN SMALL LETTER K", "k", "\uFF4B"],
    ])("does not join it: %s", async (_name, letter, lookalike) => {
      const person = await accountOf(address(), verified);
      await expectRefused({ email: person.email.replace(letter, lookalike) }, 409, "email_taken");
      expect((await signIn(usermesh, person)).access).not.toBe("");
    });
  });

  test("does not take over the unverified account that its identity is linked to", async () => {
    const claims = { ...someone(), email: address(), email_verified: false };
    expect((await signInAs(claims)).status).toBe(200);
    const lookalike = { ...claims, email: claims.email.replace("k", "\u212A"), email_verified: true };
    const { status, body } = await signInAs(lookalike);
    expect([status, body.data.user.is_verified]).toEqual([200, false]);
  });

  test("differs by more than the case of ASCII letters, which still joins", async () => {
    const { email } = await accountOf(address(), true);
    const { status, body } = await signInAs({ email: email.toUpperCase() });
    expect([status, body.data?.user.email]).toEqual([200, email]);
  });
});
