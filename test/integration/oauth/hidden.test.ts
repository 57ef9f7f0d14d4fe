import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Answer } from "../../support/clients/api-client.ts";
import { signInBy } from "../../support/data/oauth-flow.ts";
import { type MaliciousProvider, startMaliciousProvider } from "../../support/fakes/malicious-provider.ts";
import { linkToken, mailTo, newPerson } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

/** With PREVENT_USER_ENUMERATION, neither sign-up nor a sign-in with a provider reveals who has an account. */
let usermesh: Usermesh;
let provider: MaliciousProvider;

beforeAll(async () => {
  provider = await startMaliciousProvider();
  usermesh = await startUsermesh({
    PREVENT_USER_ENUMERATION: "true",
    OAUTH_LIAR_ISSUER: provider.issuer,
    OAUTH_LIAR_CLIENT_ID: "usermesh",
    OAUTH_LIAR_CLIENT_SECRET: "secret",
  });
});
afterAll(async () => {
  await usermesh.stop();
  await provider.stop();
});

/** Everything in a response that could reveal a difference. */
function seen({ status, headers, body }: Answer) {
  const { correlation_id: _, instance: __, ...told } = body;
  return { status, told, headers: [...headers.keys()].filter((name) => name !== "date") };
}

async function registered() {
  const person = { ...newPerson(), username: `ada-${Math.random().toString(36).slice(2)}` };
  const answer = await usermesh.api.post("auth/register", person);
  const token = linkToken(await mailTo(usermesh, person.email, /verify-email/));
  expect((await usermesh.api.post("auth/verify-email", { token, password: person.password })).status).toBe(200);
  return { person, answer };
}

test("registration gets the same response for a free address, a taken address and a taken username", async () => {
  const { person, answer } = await registered();
  expect(seen(answer)).toMatchObject({ status: 202, told: { success: true, data: null } });
  const [byEmail, byName] = [
    await usermesh.api.post("auth/register", { ...newPerson(), email: person.email.toUpperCase() }),
    await usermesh.api.post("auth/register", { ...newPerson(), username: person.username }),
  ];
  expect([seen(byEmail), seen(byName)]).toEqual([seen(answer), seen(answer)]);
});

test("a second registration does not change the account, and its password does not work", async () => {
  const { person } = await registered();
  const late = { email: person.email, password: newPerson().password };
  await usermesh.api.post("auth/register", late);
  expect((await usermesh.api.post("auth/login", late)).status).toBe(401);
  expect((await usermesh.api.post("auth/login", { email: person.email, password: person.password })).status).toBe(200);
});

test("an unverified address from a provider gets the same response whether it is free or taken", async () => {
  const { person } = await registered();
  const claim = (email: string) =>
    signInBy(usermesh.api, "liar", provider, { sub: newPerson().email, email, email_verified: false });
  const before = await usermesh.rowCounts();
  const [free, taken] = [await claim(newPerson().email), await claim(person.email)];
  expect(seen(free)).toEqual(seen(taken));
  expect(free).toBeProblem(403, "email_not_verified");
  const after = await usermesh.rowCounts();
  for (const table of ["users.users", "auth.identities", "sessions.sessions"])
    expect([table, after[table]]).toEqual([table, before[table]]);
});

test("a verified address that only looks like the one of an account gets the response of an unverified one", async () => {
  const { person } = await registered();
  const claim = (email: string, email_verified: boolean) =>
    signInBy(usermesh.api, "liar", provider, { sub: newPerson().email, email, email_verified });
  const lookalike = await claim(person.email.replace("a", "\uFF41"), true);
  expect(lookalike).toBeProblem(403, "email_not_verified");
  expect(seen(lookalike)).toEqual(seen(await claim(newPerson().email, false)));
});

test("an address verified by the provider signs in, with or without an existing account", async () => {
  const { person } = await registered();
  for (const email of [newPerson().email, person.email]) {
    const { status, body } = await signInBy(usermesh.api, "liar", provider, {
      sub: newPerson().email,
      email,
      email_verified: true,
    });
    expect([status, body.data?.user.email]).toEqual([200, email]);
  }
});
