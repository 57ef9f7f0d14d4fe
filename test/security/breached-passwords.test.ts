import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { type BreachList, sha1, startBreachList } from "../support/fakes/breach-list.ts";
import { linkToken, mailTo, newPerson, register, signIn } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

const REQUEST_TIMEOUT_MS = 10_000;
/** [V6.2.12, V16.5.2] */
const stolen = "Stolen-from-elsewhere-1";
const padding = "Padding-has-no-count-1";
let usermesh: Usermesh;
let list: BreachList;

beforeAll(async () => {
  list = await startBreachList({ [stolen]: 42, [padding]: 0 });
  usermesh = await startUsermesh({ PWNED_PASSWORDS_URL: `${list.url}/` });
});
beforeEach(() => list.behave("answers"));
afterAll(async () => {
  await usermesh.stop();
  await list.stop();
});

const registering = (password: string) => usermesh.api.post("auth/register", { ...newPerson(), password });
const refusedAs = (field: string) => ({ errors: [{ field, code: "password_breached" }] });

describe("a password that was stolen from another site", () => {
  test("is refused at sign-up, with a reason", async () => {
    const { status, body } = await registering(stolen);
    expect([status, body]).toMatchObject([422, refusedAs("password")]);
  });

  test("is refused when a password is changed, and the old one stays", async () => {
    const person = await register(usermesh);
    const { access } = await signIn(usermesh, person);
    const body = { current_password: person.password, new_password: stolen };
    expect((await usermesh.api.post("auth/change-password", body, access)).body).toMatchObject(
      refusedAs("new_password"),
    );
    await signIn(usermesh, person);
  });

  test("is refused when a password is reset, and the link is not spent", async () => {
    const person = await register(usermesh);
    await usermesh.api.post("auth/password-reset-request", { email: person.email });
    const token = linkToken(await mailTo(usermesh, person.email, /reset-password/));
    const confirm = (new_password: string) => usermesh.api.post("auth/password-reset-confirm", { token, new_password });
    expect((await confirm(stolen)).body).toMatchObject(refusedAs("new_password"));
    expect((await confirm("Never-stolen-anywhere-2")).status).toBe(200);
  });

  test("is told apart from padding, and from one that begins alike", async () => {
    expect((await registering(padding)).status).toBe(201);
    expect((await registering(`${stolen}!`)).status).toBe(201);
  });
});

test("the list learns five digits of a hash and nothing else of the password or the account", async () => {
  const seen = list.asked.length;
  const person = await register(usermesh);
  const asked = list.asked.slice(seen);
  expect(asked).toEqual([{ path: `/range/${sha1(person.password).slice(0, 5)}`, padding: "true", body: "" }]);
});

test("a sign-in asks no list", async () => {
  const person = await register(usermesh);
  const seen = list.asked.length;
  await signIn(usermesh, person);
  expect(list.asked).toHaveLength(seen);
});

describe("with the list away people still sign up, in time, with a password that could not be looked up", () => {
  test.each(["fails", "hangs", "redirects", "floods", "drips"] as const)("where it %s", async (how) => {
    list.behave(how);
    const start = performance.now();
    expect((await registering(stolen)).status).toBe(201);
    expect(performance.now() - start).toBeLessThan(REQUEST_TIMEOUT_MS);
  });

  test("where nobody listens, and the policy still stands", async () => {
    await list.stop();
    expect((await registering(stolen)).status).toBe(201);
    expect((await registering("password1")).status).toBe(422);
  });
});
