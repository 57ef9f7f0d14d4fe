import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Answer } from "../../support/clients/api-client.ts";
import { signInBy } from "../../support/data/oauth-flow.ts";
import { type MaliciousProvider, startMaliciousProvider } from "../../support/fakes/malicious-provider.ts";
import { linkToken, mailTo, newPerson } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

/** Where PREVENT_USER_ENUMERATION is set, neither sign-up nor a provider that anybody may run tells who has an account. */
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

/** All of an answer that somebody could tell two by. */
function seen({ status, headers, body }: Answer) {
  const { correlation_id: _, instance: __, ...told } = body;
  return { status, told, headers: [...headers.keys()].filter((name) => name !== "date") };
}

async function registered() {
  const person = { ...newPerson(), username: `ada-${Math.random().toString(36).slice(2)}` };
  const answer = await usermesh.api.post("auth/register", person);
  const token = linkToken(await mailTo(usermesh, person.email, /verify-email/));
  expect((await usermesh.api.post("auth/verify-email", { token })).status).toBe(200);
  return { person, answer };
}

test("registration answers the same for a free address, a taken one and a taken name", async () => {
  const { person, answer } = await registered();
  expect(seen(answer)).toMatchObject({ status: 202, told: { success: true, data: null } });
  const [byEmail, byName] = [
    await usermesh.api.post("auth/register", { ...newPerson(), email: person.email.toUpperCase() }),
    await usermesh.api.post("auth/register", { ...newPerson(), username: person.username }),
  ];
  expect([seen(byEmail), seen(byName)]).toEqual([seen(answer), seen(answer)]);
});

test("who has the account keeps it: the password of the second registration opens nothing", async () => {
  const { person } = await registered();
  const late = { email: person.email, password: newPerson().password };
  await usermesh.api.post("auth/register", late);
  expect((await usermesh.api.post("auth/login", late)).status).toBe(401);
  expect((await usermesh.api.post("auth/login", { email: person.email, password: person.password })).status).toBe(200);
});

test("a provider that vouches for nothing gets the same answer for a free address and a taken one", async () => {
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

test("whoever has proven the address to the provider is let in, account or not", async () => {
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
