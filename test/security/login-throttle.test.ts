import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Answer } from "../support/clients/api-client.ts";
import { newMember, verdict } from "../support/data/tenants.ts";
import { linkToken, mailTo, newPerson, type Person, register, signIn } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

/** [V6.3.1, V2.3.4] Without the rate limits per address and route: an attacker with many addresses is not stopped by them. */
let usermesh: Usermesh;
beforeAll(async () => {
  usermesh = await startUsermesh({ TRUST_PROXY: "1", PASSWORD_HASH_MAX_WAIT_MS: "8000" });
});
afterAll(() => usermesh.stop());

const home = "192.0.2.1";
const elsewhere = "198.51.100.200";
const wrong = "Wrong-horse-7-staple";
const throttled = "429 too_many_attempts";
const refused = "401 invalid_credentials";

type Named = { readonly email: string } | { readonly username: string };
const login = (who: Named, password: string, ip = home, path = "auth/login") =>
  usermesh.api.request("POST", path, { body: { ...who, password }, headers: { "x-forwarded-for": ip } });
const named = ({ email }: Pick<Person, "email">) => ({ email });
const failLogin = (who: Pick<Person, "email">, ip = home) => login(named(who), wrong, ip);
const waitOf = ({ headers }: Answer) => Number(headers.get("retry-after"));
const times = <T>(count: number, make: (n: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, n) => make(n)));

async function failInTurn(who: Pick<Person, "email">, count: number): Promise<string[]> {
  const seen: string[] = [];
  for (let n = 0; n < count; n += 1) seen.push(verdict(await failLogin(who)));
  return seen;
}

/** Ends the current delays. */
const waitOut = () =>
  usermesh.database.query("UPDATE auth.login_attempts SET throttled_until = clock_timestamp() - interval '1 second'");

/** Everything in a response by which a client could tell two apart. */
const shownOf = ({ status, body: { correlation_id: _, ...body }, headers }: Answer) => ({
  status,
  body,
  headers: [...headers].filter(([name]) => !["date", "x-correlation-id", "retry-after"].includes(name)),
});

describe("password guessing at one account from one address", () => {
  test("is throttled after 10 failures, and then correct and wrong passwords get the same 429", async () => {
    const person = await register(usermesh);
    expect(await failInTurn(person, 10)).toEqual(Array(10).fill(refused));
    const [bad, good] = [await failLogin(person), await login(named(person), person.password)];
    expect([verdict(bad), waitOf(bad) > 20, waitOf(bad) <= 30]).toEqual([throttled, true, true]);
    expect(shownOf(good)).toEqual(shownOf(bad));
  });

  test("is delayed longer with each failure, up to 15 minutes", async () => {
    const person = await register(usermesh);
    await failInTurn(person, 10);
    const waits: number[] = [];
    for (let n = 0; n < 8; n += 1) {
      waits.push(waitOf(await failLogin(person)));
      await waitOut();
      await failLogin(person);
    }
    expect(waits).toEqual(waits.toSorted((left, right) => left - right));
    expect([new Set(waits).size > 4, waits.at(-1)]).toEqual([true, 900]);
  });

  test("does not lock out the owner, whose login from another address ends the throttling", async () => {
    const person = await register(usermesh);
    await failInTurn(person, 11);
    expect(verdict(await login(named(person), person.password, elsewhere))).toBe("200 ok");
    const rows = await usermesh.database.query(
      "SELECT 1 FROM auth.login_attempts WHERE user_id = $1 AND key = account",
      [person.id],
    );
    expect(rows).toEqual([]);
  });

  test("in parallel has 10 attempts evaluated, because they are counted before the hash is compared", async () => {
    const person = await register(usermesh);
    const seen = (await times(40, () => failLogin(person))).map(verdict).toSorted();
    expect(seen).toEqual([...Array(10).fill(refused), ...Array(30).fill(throttled)]);
  });

  test("is counted together for all spellings of a name and all paths", async () => {
    const { email } = await newMember(usermesh, "default");
    const spellings: ReadonlyArray<readonly [Named, string]> = [
      [{ email }, "auth/login"],
      [{ email: email.toUpperCase() }, "auth/login"],
      [{ email: email.replace("a", "A") }, "/auth/login"],
      [{ email: email.replaceAll("e", "E") }, "auth/login"],
      [{ email }, "/api/login"],
    ];
    for (const [who, path] of [...spellings, ...spellings])
      expect(verdict(await login(who, wrong, home, path))).toBe(refused);
    for (const [who, path] of spellings) expect(verdict(await login(who, wrong, home, path))).toBe(throttled);
  });

  test("is counted together for all requests that ask for the password", async () => {
    const person = await register(usermesh);
    const { access } = await signIn(usermesh, person);
    const send = (method: string, path: string, body: object) =>
      usermesh.api.request(method, path, { body, token: access, headers: { "x-forwarded-for": home } });
    const requests = [
      () => send("POST", "auth/change-password", { current_password: wrong, new_password: "Fresh-horse-8-staple" }),
      () => send("DELETE", "users/me", { password: wrong }),
      () => send("PATCH", "users/me", { email: newPerson().email, current_password: wrong }),
      () => login(named(person), wrong, home, "auth/restore-account"),
      () => failLogin(person),
    ];
    const seen: string[] = [];
    for (let n = 0; n < 10; n += 1) seen.push(verdict(await (requests[n % requests.length] as (typeof requests)[0])()));
    expect(seen).not.toContain(throttled);
    for (const request of requests) expect(verdict(await request())).toBe(throttled);
  });
});

/** Addresses of one /64, in the forms in which a proxy may write them. */
const oneNetwork = [
  "2001:db8:1:2::1",
  "2001:db8:1:2:0:0:0:2",
  "2001:0db8:0001:0002:0000:0000:0000:0003",
  "2001:DB8:1:2:ABCD::4",
  "[2001:db8:1:2::5]:443",
  "2001:db8:1:2::6%eth0",
];

describe("password guessing at one account from one IPv6 /64", () => {
  test("has 10 attempts evaluated, although each comes from another address", async () => {
    const person = await register(usermesh);
    const seen = await times(30, (n) => failLogin(person, `2001:db8:1:2::${(n + 1).toString(16)}`));
    expect(seen.map(verdict).toSorted()).toEqual([...Array(10).fill(refused), ...Array(20).fill(throttled)]);
  });

  test("is counted together for all forms of an address", async () => {
    const person = await register(usermesh);
    for (const ip of [...oneNetwork, ...oneNetwork.slice(0, 4)])
      expect([ip, verdict(await failLogin(person, ip))]).toEqual([ip, refused]);
    for (const ip of oneNetwork) expect([ip, verdict(await failLogin(person, ip))]).toEqual([ip, throttled]);
  });

  test("does not throttle the owner in another /64", async () => {
    const person = await register(usermesh);
    for (let n = 0; n < 11; n += 1) await failLogin(person, `2001:db8:1:2::${n}`);
    expect(verdict(await login(named(person), person.password, "2001:db8:1:3::1"))).toBe("200 ok");
  });
});

test("IPv4-mapped addresses are counted as the IPv4 addresses they are, not as one /64", async () => {
  const person = await register(usermesh);
  const forms = ["192.0.2.7", "::ffff:192.0.2.7", "::FFFF:192.0.2.7", "::ffff:c000:207"];
  for (let n = 0; n < 10; n += 1) await failLogin(person, forms[n % 4]);
  for (const ip of forms) expect([ip, verdict(await failLogin(person, ip))]).toEqual([ip, throttled]);
  expect(verdict(await login(named(person), person.password, "::ffff:192.0.2.8"))).toBe("200 ok");
});

describe("password guessing at one account from many addresses", () => {
  test("is throttled from everywhere after 50 failures, even parallel ones", async () => {
    const person = await register(usermesh);
    const seen = await times(50, (n) => failLogin(person, `198.51.100.${n}`));
    expect(new Set(seen.map(verdict))).toEqual(new Set([refused]));
    const right = await login(named(person), person.password, elsewhere);
    expect([verdict(right), waitOf(right) > 0]).toEqual([throttled, true]);
  });

  test("is evaluated at most 100 times in a row, however long the attacker waits", async () => {
    const person = await register(usermesh);
    const seen: string[] = [];
    for (let n = 0; n < 115; n += 1) {
      await waitOut();
      seen.push(verdict(await failLogin(person, `203.0.113.${n}`)));
    }
    expect(seen.filter((one) => one === refused)).toHaveLength(100);
    expect(new Set(seen.slice(100))).toEqual(new Set([throttled]));
    const right = await login(named(person), person.password, elsewhere);
    expect([verdict(right), waitOf(right)]).toEqual([throttled, 900]);
  });

  test("does not lock out the owner for good, because a password reset ends the throttling", async () => {
    const person = await register(usermesh);
    await times(60, (n) => failLogin(person, `198.51.100.${n}`));
    expect((await usermesh.api.post("auth/password-reset-request", { email: person.email })).status).toBe(202);
    const token = linkToken(await mailTo(usermesh, person.email, /reset-password/));
    const password = "Fresh-horse-8-staple";
    const reset = await usermesh.api.post("auth/password-reset-confirm", { token, new_password: password });
    expect(reset.status).toBe(200);
    expect(verdict(await login(named(person), password, elsewhere))).toBe("200 ok");
  });
});

test("an account that does not exist is throttled like an existing one", async () => {
  const [known, unknown] = [await register(usermesh), newPerson()];
  for (let n = 0; n < 14; n += 1) {
    const [one, other] = [await failLogin(known), await failLogin(unknown)];
    expect(shownOf(other)).toEqual(shownOf(one));
    expect(Math.abs(waitOf(one) - waitOf(other))).toBeLessThanOrEqual(5);
  }
});

test("many parallel logins with the correct password succeed", async () => {
  const person = await register(usermesh);
  const seen = await times(30, () => login(named(person), person.password));
  expect(new Set(seen.map(verdict))).toEqual(new Set(["200 ok"]));
});

test("guessing at one account does not throttle others", async () => {
  const [person, neighbour] = [await register(usermesh), await register(usermesh)];
  await failInTurn(person, 11);
  expect(verdict(await login(named(neighbour), neighbour.password))).toBe("200 ok");
});

/** A lockout of the owner by strangers' failures [V6.1.1]. */
describe("a device that has signed in before", () => {
  /** Locks all names of the account, as if they had failed a hundred times from everywhere. */
  const strangers = async (who: Pick<Person, "email">) => {
    await times(10, () => failLogin(who));
    await usermesh.database.query("UPDATE auth.login_attempts SET failed = 100 WHERE failed > 0");
  };
  const deviceOf = async (who: Person) =>
    (await login(named(who), who.password, elsewhere)).body.data.device_token as string;
  const withDevice = (who: Pick<Person, "email">, password: string, device_token: string) =>
    usermesh.api.request("POST", "auth/login", {
      body: { ...named(who), password, device_token },
      headers: { "x-forwarded-for": home },
    });

  test("is not locked out by any number of failures of others", async () => {
    const person = await register(usermesh);
    const device = await deviceOf(person);
    await strangers(person);
    expect(verdict(await login(named(person), person.password, "192.0.2.77"))).toBe(throttled);
    expect(verdict(await withDevice(person, person.password, device))).toBe("200 ok");
  });

  test("is recognized in a browser by its cookie, which also holds the tokens of other accounts", async () => {
    const [person, housemate] = [await register(usermesh), await register(usermesh)];
    const inBrowser = async (who: Person, cookie: string) => {
      const body = { ...named(who), password: who.password, use_cookies: true };
      const headers = { cookie, "x-forwarded-for": home };
      const answer = await usermesh.api.request("POST", "auth/login", { body, headers });
      const set = answer.headers.getSetCookie().find((one) => one.startsWith("device_token=")) ?? "";
      return { answer, set, cookie: set.split(";")[0] ?? "" };
    };
    const first = await inBrowser(person, "");
    expect(first.set).toMatch(/; HttpOnly$/);
    expect(first.answer.body.data).not.toHaveProperty("device_token");
    const second = await inBrowser(housemate, first.cookie);
    await strangers(person);
    expect(verdict((await inBrowser(person, "")).answer)).toBe(throttled);
    expect(verdict((await inBrowser(person, second.cookie)).answer)).toBe("200 ok");
  });

  test("is throttled for its own failures, which throttle nobody else", async () => {
    const person = await register(usermesh);
    const device = await deviceOf(person);
    for (let n = 0; n < 10; n += 1) expect(verdict(await withDevice(person, wrong, device))).toBe(refused);
    expect(verdict(await withDevice(person, person.password, device))).toBe(throttled);
    expect(verdict(await login(named(person), person.password))).toBe("200 ok");
  });

  test.each<readonly [string, (token: string, other: string) => string]>([
    ["of another account", (_, other) => other],
    [
      "with another account's id",
      (token, other) => [...other.split(".").slice(0, 3), ...token.split(".").slice(3)].join("."),
    ],
    ["with another device's id", (token) => token.replace(/[^.]{22}(?=[.][^.]+$)/, "A".repeat(22))],
    ["with another key", (token) => token.replace(/^v1[.][^.]+/, "v1.k9")],
    ["that is no token", () => "__proto__"],
  ])("is not recognized by a token %s", async (_which, forge) => {
    const [person, other] = [await register(usermesh), await register(usermesh)];
    const forged = forge(await deviceOf(person), await deviceOf(other));
    await failInTurn(person, 11);
    expect(verdict(await withDevice(person, person.password, forged))).toBe(throttled);
  });

  test("is forgotten after a password reset", async () => {
    const person = await register(usermesh);
    const device = await deviceOf(person);
    await usermesh.api.post("auth/password-reset-request", { email: person.email });
    const token = linkToken(await mailTo(usermesh, person.email, /reset-password/));
    const password = "Fresh-horse-8-staple";
    await usermesh.api.post("auth/password-reset-confirm", { token, new_password: password });
    await failInTurn(person, 11);
    expect(verdict(await withDevice(person, password, device))).toBe(throttled);
  });
});
