import { pbkdf2Sync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Answer } from "../support/clients/api-client.ts";
import { newEmail, runImport, written } from "../support/data/import.ts";
import { importedHashes, SLOW_ITERATIONS } from "../support/data/imported-hashes.ts";
import { vendorOf } from "../support/data/tenants.ts";
import { eventually } from "../support/eventually.ts";
import { linkToken, mailTo, newPerson, type Person, register, signIn } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

/** Text, status, headers and time of a response must not reveal whether an account exists [V6.3.8]. */
const wrong = "Wrong-horse-7-staple";
let usermesh: Usermesh;
let known: Person & { id: string };
beforeAll(async () => {
  usermesh = await startUsermesh({ TRUST_PROXY: "1", PASSWORD_HASH_COST: "8" });
  known = await register(usermesh);
});
afterAll(() => usermesh.stop());

let asked = 0;
/** Each request comes from its own IP address, so that none is rate-limited. */
function post(on: Usermesh, path: string, body: object): Promise<Answer> {
  asked += 1;
  const ip = `198.51.${(asked >> 8) & 255}.${asked & 255}`;
  return on.api.request("POST", path, { body, headers: { "x-forwarded-for": ip } });
}

const login = (body: object) => post(usermesh, "auth/login", { password: wrong, ...body });

/** Everything a client sees of a response, except what always differs. */
function shownOf({ status, headers, body: { correlation_id: _, ...body } }: Answer) {
  const shown = [...headers].filter(([name]) => !["date", "x-correlation-id"].includes(name));
  // Random in each response, whether or not an account was created.
  const masked = shown.map(([name, value]) => [name, value.replace(/(usermesh_registration=)[\w-]{43};/, "$1...;")]);
  return { status, body, headers: masked };
}

const SERIES = 3;
const quantile = (values: readonly number[], share: number) =>
  values.toSorted((left, right) => left - right)[Math.floor(values.length * share)] ?? 0;

/**
 * 400 attempts in twenty rounds, comparing the fastest of each: load only adds time, and varies between rounds.
 * The difference may be a tenth of the time, or half a millisecond, which is below the machine's noise, and two standard
 * errors of what is measured, which are little on an idle machine. A real difference shows in every series.
 */
async function expectSameTime(send: (email: string) => Promise<unknown>): Promise<void> {
  for (let series = 1; series < SERIES; series += 1) if (await takesTheSameTime(send)) return;
  expect(await takesTheSameTime(send)).toBe(true);
}

async function takesTheSameTime(send: (email: string) => Promise<unknown>): Promise<boolean> {
  const rounds: Array<readonly [known: number, unknown: number]> = [];
  while (rounds.length < 20) rounds.push(await fastestOf(send));
  const differences = rounds.map(([one, other]) => one - other);
  const usual = quantile(
    rounds.map(([one]) => one),
    0.5,
  );
  // Of a median: 0.93 times the interquartile range by the root of the number of values.
  const standardError =
    (0.93 * (quantile(differences, 0.75) - quantile(differences, 0.25))) / Math.sqrt(differences.length);
  return Math.abs(quantile(differences, 0.5)) < Math.max(0.1 * usual, 0.5) + 2 * standardError;
}

async function fastestOf(send: (email: string) => Promise<unknown>): Promise<readonly [number, number]> {
  await usermesh.database.query("DELETE FROM auth.login_attempts");
  const times = { known: [] as number[], unknown: [] as number[] };
  for (let n = 0; n < 20; n += 1) {
    // Known, unknown, unknown, known: so that neither always follows the other.
    const who = ((n + 1) >> 1) % 2 === 0 ? "known" : "unknown";
    const email = who === "known" ? known.email : newPerson().email;
    // Let background work of the previous request finish.
    await usermesh.settled();
    const start = performance.now();
    await send(email);
    times[who].push(performance.now() - start);
  }
  return [Math.min(...times.known), Math.min(...times.unknown)];
}

/** Milliseconds of CPU time, which other processes do not change. */
function timeOfSlowestHash(): number {
  const before = process.threadCpuUsage();
  pbkdf2Sync("x", "seasalt", SLOW_ITERATIONS, 32, "sha256");
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}

describe("a sign-in with a wrong password", () => {
  test("gets the same response as for an unknown account, by email and by username", async () => {
    const unknown = shownOf(await login({ email: newPerson().email }));
    expect(unknown.status).toBe(401);
    const others = [{ email: known.email }, { username: "nobody-here" }, { email: "not even an address" }];
    for (const who of others) expect(shownOf(await login(who))).toEqual(unknown);
  });

  test("does not reveal that the account is deactivated, deleted, unverified or has no password", async () => {
    const admin = await vendorOf(usermesh);
    const [disabled, deleted] = [await register(usermesh), await register(usermesh)];
    await usermesh.api.put(`admin/users/${disabled.id}/status`, { is_active: false }, admin);
    const { access } = await signIn(usermesh, deleted);
    await usermesh.api.request("DELETE", "users/me", { body: { password: deleted.password }, token: access });
    const invited = newPerson("invited");
    const slug = `t-${invited.email.split(/[.@]/)[1]}`;
    await usermesh.api.post("admin/tenants", { slug, name: "T", admin_email: invited.email }, admin);
    const body = { email: invited.email, password: wrong };
    const passwordless = await usermesh.api.request("POST", "auth/login", { body, headers: { "x-tenant": slug } });
    const unknown = shownOf(await login({ email: newPerson().email }));
    expect(shownOf(passwordless)).toEqual(unknown);
    for (const { email } of [disabled, deleted]) expect(shownOf(await login({ email }))).toEqual(unknown);
  });

  test("takes as long as for an unknown account", () => expectSameTime((email) => login({ email })));

  // Not longer either, which a busy machine does not show: test/integration/auth/failure-time.test.ts compares what is waited for.
  test("takes as long as the slowest imported hash, for accounts with any hash and for none", async () => {
    const lines = Object.values(importedHashes).map((password_hash) => ({ email: newEmail(), password_hash }));
    expect((await runImport(usermesh, await written(lines))).imported).toBe(lines.length);
    const emails = [newPerson().email, known.email, ...lines.map(({ email }) => email)];
    const slowest = timeOfSlowestHash();
    const measure = async (email: string) => {
      await usermesh.database.query("DELETE FROM auth.login_attempts");
      const start = performance.now();
      expect((await login({ email })).status).toBe(401);
      return performance.now() - start;
    };
    /** Load only adds time. */
    const fastestOfThree = async (email: string) =>
      Math.min(await measure(email), await measure(email), await measure(email));
    // From some seconds after the import on.
    const takeAsLong = async () => {
      for (const email of emails) if ((await fastestOfThree(email)) < 0.9 * slowest) return false;
      return true;
    };
    await eventually("failures of all accounts to take as long as the slowest hash", takeAsLong, { within: 120_000 });
  });
});

describe.each(["auth/password-reset-request", "auth/verify-email-request"])("POST %s", (path) => {
  test("gives the same response as for an unknown address", async () => {
    const unknown = shownOf(await post(usermesh, path, { email: newPerson().email }));
    expect(unknown.status).toBe(202);
    expect(shownOf(await post(usermesh, path, { email: known.email }))).toEqual(unknown);
  });

  test("takes as long as for an unknown address", () => expectSameTime((email) => post(usermesh, path, { email })));
});

describe("a sign-up with PREVENT_USER_ENUMERATION", () => {
  let hiding: Usermesh;
  beforeAll(async () => {
    hiding = await startUsermesh({ PREVENT_USER_ENUMERATION: "true", TRUST_PROXY: "1" });
  });
  afterAll(() => hiding.stop());

  test("gets the same response for a new email, a taken email and a taken username", async () => {
    const person = { ...newPerson(), username: newPerson("u").email.split("@")[0]?.slice(0, 20) };
    const free = shownOf(await post(hiding, "auth/register", person));
    expect([free.status, free.body.data]).toEqual([202, null]);
    const taken = [person, { ...person, email: person.email.toUpperCase() }, { ...person, email: newPerson().email }];
    for (const body of taken) expect(shownOf(await post(hiding, "auth/register", body))).toEqual(free);
  });

  test("with a taken email does not change the account and mails no link to its owner", async () => {
    const person = newPerson();
    await post(hiding, "auth/register", person);
    const mails = () => hiding.mails().filter((mail) => mail.to.includes(person.email)).length;
    const token = linkToken(await mailTo(hiding, person.email, /verify-email/));
    await hiding.api.post("auth/verify-email", { token, password: person.password });
    await hiding.settled();
    const before = await hiding.rowCounts();
    await post(hiding, "auth/register", { ...person, password: "Another-horse-9-staple", full_name: "Mallory" });
    const next = newPerson();
    await post(hiding, "auth/register", next);
    await mailTo(hiding, next.email, /verify-email/);
    expect(mails()).toBe(1);
    const after = await hiding.rowCounts();
    expect([before["users.users"], before["auth.credentials"]].map(Number)).toEqual(
      [after["users.users"], after["auth.credentials"]].map((count) => Number(count) - 1),
    );
    expect((await post(hiding, "auth/login", person)).status).toBe(200);
  });
});

test("an email change to a taken address gets the same response as any other", async () => {
  const { access } = await signIn(usermesh, known);
  const taken = await register(usermesh);
  const wish = async (email: string) => {
    const { status, body } = await usermesh.api.patch("users/me", { email, current_password: known.password }, access);
    return [status, body.message, body.data?.email, body.data?.pending_email === email];
  };
  expect(await wish(taken.email)).toEqual(await wish(newPerson().email));
});
