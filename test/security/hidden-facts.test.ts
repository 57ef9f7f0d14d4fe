import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Answer, RequestOptions } from "../support/clients/api-client.ts";
import { changeSettings, newTenant, vendorOf, verdict } from "../support/data/tenants.ts";
import { linkToken, mailTo, newPerson } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

/**
 * A fact that one response hides must not show in a later one [V6.3.8]. Each test makes two worlds that differ in the fact
 * only, sends the same requests in both, and compares everything that a client sees.
 */
let usermesh: Usermesh;
let prober: string;
beforeAll(async () => {
  usermesh = await startUsermesh({ PREVENT_USER_ENUMERATION: "true", TRUST_PROXY: "1" });
  prober = await vendorOf(usermesh);
});
afterAll(() => usermesh.stop());

let asked = 0;
/** Each request comes from its own IP address, so that no limit per address shows. */
function send(method: string, path: string, options: RequestOptions): Promise<Answer> {
  asked += 1;
  const headers = { "x-forwarded-for": `198.51.${(asked >> 8) & 255}.${asked & 255}`, ...options.headers };
  return usermesh.api.request(method, path, { ...options, headers });
}

async function verify({ email, password }: { email: string; password: string }): Promise<Answer> {
  const token = linkToken(await mailTo(usermesh, email, /verify-email/));
  return send("POST", "auth/verify-email", { body: { token, password } });
}

/** What a client sees, without what always differs. The attacker's names are as long in both worlds. */
function shownOf({ status, headers, body }: Answer, { email, username }: Attacker) {
  const text = JSON.stringify({ ...body, correlation_id: undefined })
    .replaceAll(email, "<email>")
    .replaceAll(username, "<username>")
    .replace(/"(created_at|updated_at|last_login_at)":"[^"]*"/g, '"$1":"<time>"');
  const names = [...headers].filter(([name]) => !["date", "x-correlation-id", "content-length"].includes(name));
  const masked = names.map(([name, value]) => [name, maskedHeader(name, value)]);
  return { status, size: headers.get("content-length"), headers: masked, text };
}

/** Values that are random in each response, whether or not an account was created, and the time of a change of the prober's account. */
function maskedHeader(name: string, value: string): string {
  if (name === "etag") return value.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, "<time>");
  return value.replace(/(usermesh_registration=)[\w-]{43};/, "$1...;");
}

type Attacker = ReturnType<typeof newAttacker>;
function newAttacker() {
  const word = randomBytes(6).toString("hex");
  return {
    email: `victim.${word}@example.com`,
    password: "Attackers-horse-7-staple",
    username: `u-${word}`,
    full_name: `Zq${word}`,
    key: `key-${word}`,
  };
}

const fieldsOf = ({ key: _, ...fields }: Attacker) => fields;

/** How the victim's address is before the attacker registers it. */
const worlds = {
  async free(_: Attacker) {
    // Nobody has it.
  },
  async "registered and verified"({ email }: Attacker) {
    const owner = { ...newPerson(), email };
    await send("POST", "auth/register", { body: owner });
    expect((await verify(owner)).status).toBe(200);
  },
  async "registered and not verified"({ email }: Attacker) {
    await send("POST", "auth/register", { body: { ...newPerson(), email } });
  },
};

/** Every request by which the attacker could notice what became of the registration. */
const laterRequests: Readonly<Record<string, (attacker: Attacker) => Promise<Answer>>> = {
  "the registration itself": (one) => registerAs(one),
  "the registration again, with its key": (one) => registerAs(one),
  "another registration with the same key": (one) => registerAs({ ...one, full_name: "Other" }),
  "the registration again": (one) => send("POST", "auth/register", { body: fieldsOf(one) }),
  "a sign-in by email": ({ email, password }) => send("POST", "auth/login", { body: { email, password } }),
  "a sign-in by username": ({ username, password }) => send("POST", "auth/login", { body: { username, password } }),
  "a reset request": ({ email }) => send("POST", "auth/password-reset-request", { body: { email } }),
  "a verification request": ({ email }) => send("POST", "auth/verify-email-request", { body: { email } }),
  "a search": ({ full_name }) => send("GET", `users/search?q=${full_name}`, { token: prober }),
  "taking the username": ({ username }) => send("PATCH", "users/me", { body: { username }, token: prober }),
};

function registerAs(attacker: Attacker): Promise<Answer> {
  return send("POST", "auth/register", { body: fieldsOf(attacker), headers: { "idempotency-key": attacker.key } });
}

async function requestAll(prepare: (attacker: Attacker) => Promise<void>) {
  const attacker = newAttacker();
  await prepare(attacker);
  const shown: Record<string, unknown> = {};
  for (const [name, request] of Object.entries(laterRequests)) shown[name] = shownOf(await request(attacker), attacker);
  const guesses: string[] = [];
  for (let n = 0; n < 60; n += 1)
    guesses.push(verdict((await laterRequests["a sign-in by email"]?.(attacker)) as Answer));
  return { ...shown, guesses };
}

describe("whether an address is registered", () => {
  test.each(["registered and verified", "registered and not verified"] as const)(
    "shows in no request after a registration of it (%s)",
    async (world) => {
      expect(await requestAll(worlds[world])).toEqual(await requestAll(worlds.free));
    },
  );

  test("does not show in who gets a username that was sent with it", async () => {
    const taken = newAttacker();
    await worlds["registered and verified"](taken);
    for (const attacker of [taken, newAttacker()]) {
      await registerAs(attacker);
      const own = { ...newPerson(), username: attacker.username };
      await send("POST", "auth/register", { body: own });
      const { body } = await verify(own);
      expect([body.data.email, body.data.username]).toEqual([own.email, attacker.username]);
    }
  });

  test("does not show in how many accounts a full tenant still takes", async () => {
    const tenant = await newTenant(usermesh, prober);
    await changeSettings(usermesh, prober, tenant, { max_users: 2 });
    const headers = { "x-tenant": tenant.slug };
    const registration = (email: string) => send("POST", "auth/register", { body: { ...newPerson(), email }, headers });
    for (const email of [tenant.admin.email, newPerson().email, newPerson().email, newPerson().email])
      expect((await registration(email)).status).toBe(202);
  });

  test("is told to the owner, who signs in once the address is verified", async () => {
    const attacker = newAttacker();
    await registerAs(attacker);
    const login = () => laterRequests["a sign-in by username"]?.(attacker) as Promise<Answer>;
    expect(verdict(await login())).toBe("401 invalid_credentials");
    await verify(attacker);
    expect(verdict(await login())).toBe("200 ok");
  });
});

describe("whose username it is", () => {
  const wrong = "Wrong-horse-7-staple";
  const guess = (name: object, ip: string) =>
    send("POST", "auth/login", { body: { ...name, password: wrong }, headers: { "x-forwarded-for": ip } });
  const show = async (name: { email: string } | { username: string }, ip: string) =>
    shownOf(await guess(name, ip), { ...newAttacker(), ...name });

  async function verified(): Promise<{ email: string; username: string; password: string }> {
    const person = { ...newPerson(), username: `u-${randomBytes(6).toString("hex")}` };
    await send("POST", "auth/register", { body: person });
    await verify(person);
    return person;
  }

  test.each([
    ["one address", 10, () => "192.0.2.1"],
    ["many addresses", 50, (n: number) => `203.0.113.${n}`],
  ])("does not show in the limits after failures under the username from %s", async (_from, count, ipOf) => {
    const [person, other] = [await verified(), await verified()];
    for (let n = 0; n < count; n += 1) await guess({ username: person.username }, ipOf(n));
    expect(verdict(await guess({ username: person.username }, ipOf(0)))).toBe("429 too_many_attempts");
    const unknown = await show({ email: newPerson().email }, ipOf(0));
    for (const email of [person.email, other.email]) expect(await show({ email }, ipOf(0))).toEqual(unknown);
  });

  test("does not show in the limits after failures under the address", async () => {
    const [person, other] = [await verified(), await verified()];
    const ip = "192.0.2.2";
    for (let n = 0; n < 10; n += 1) await guess({ email: person.email }, ip);
    const unknown = await show({ username: newAttacker().username }, ip);
    for (const { username } of [person, other]) expect(await show({ username }, ip)).toEqual(unknown);
  });

  test("still gives no further guesses: failures under all names count, and then no password is compared", async () => {
    const { email, username, password } = await verified();
    const ip = "192.0.2.3";
    for (let n = 0; n < 10; n += 1) await guess({ username }, ip);
    const right = await send("POST", "auth/login", { body: { email, password }, headers: { "x-forwarded-for": ip } });
    expect(verdict(right)).toBe("401 invalid_credentials");
    const elsewhere = await send("POST", "auth/login", { body: { email, password } });
    expect(verdict(elsewhere)).toBe("200 ok");
  });
});
