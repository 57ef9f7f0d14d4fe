import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { dumpDatabase } from "../support/data/database-dump.ts";
import { signInBy } from "../support/data/oauth-flow.ts";
import { type MaliciousProvider, startMaliciousProvider } from "../support/fakes/malicious-provider.ts";
import { newPerson, register, signIn } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

/** Attackers who have a backup, or who can write to the database, but have no key. */
let usermesh: Usermesh;
let provider: MaliciousProvider;
beforeAll(async () => {
  provider = await startMaliciousProvider();
  usermesh = await startUsermesh({ OAUTH_LIAR_ISSUER: provider.issuer, OAUTH_LIAR_CLIENT_ID: "usermesh" });
});
afterAll(async () => {
  await usermesh.stop();
  await provider.stop();
});

let count = 0;
async function someone() {
  count += 1;
  const person = await register(usermesh);
  const { access } = await signIn(usermesh, person);
  const profile = { phone: `+4917123456${String(count).padStart(3, "0")}`, date_of_birth: `1915-12-${10 + count}` };
  expect((await usermesh.api.put("users/me/profile", profile, access)).status).toBe(200);
  return { ...person, access, profile };
}

const sealedOf = async (userId: string) => {
  const sql = "SELECT sealed FROM users.profiles WHERE user_id = $1";
  return (await usermesh.database.query<{ sealed: string }>(sql, [userId]))[0]?.sealed ?? "";
};
const setSealed = (userId: string, sealed: string) =>
  usermesh.database.query("UPDATE users.profiles SET sealed = $2 WHERE user_id = $1", [userId, sealed]);

describe("a stolen copy of the database", () => {
  test("contains no phone number or date of birth, in any table or encoding", async () => {
    const { id, profile } = await someone();
    const stored = await dumpDatabase(usermesh.database);
    expect(stored).toContain(id);
    for (const text of [profile.phone, profile.phone.slice(1), profile.date_of_birth])
      for (const form of [
        text,
        Buffer.from(text).toString("hex"),
        Buffer.from(text).toString("base64").replace(/=+$/, ""),
      ])
        expect([form, stored.includes(form)]).toEqual([form, false]);
    expect(await sealedOf(id)).toMatch(/^v1\.[a-z0-9]{1,16}\.[\w-]{16}\.[\w-]+$/);
  });

  test("contains no private key, only a sealed one with the id of its key", async () => {
    const [row] = await usermesh.database.query<{ private_jwk: string }>("SELECT private_jwk FROM auth.signing_keys");
    expect(row?.private_jwk).toMatch(/^v1\.[a-z0-9]{1,16}\.[\w-]{16}\.[\w-]+$/);
    expect(await dumpDatabase(usermesh.database)).not.toMatch(/"d":|PRIVATE KEY/);
  });

  test("contains no password hash that allows guessing", async () => {
    await someone();
    const rows = await usermesh.database.query<{ secret: string }>("SELECT secret FROM auth.credentials");
    for (const { secret } of rows) expect(secret).toMatch(/^bcrypt-sha512_256\.4\$v1\.[a-z0-9]{1,16}\./);
    expect(await dumpDatabase(usermesh.database)).not.toMatch(/\$2[aby]\$\d\d\$/);
  });

  test("contains no tokens of sign-in providers", async () => {
    const email = newPerson().email;
    const answer = await signInBy(usermesh.api, "liar", provider, { sub: email, email, email_verified: true });
    expect(answer.status).toBe(200);
    const stored = await dumpDatabase(usermesh.database);
    expect([stored.includes(email), /\bopaque\b|eyJ[\w-]+\./.test(stored)]).toEqual([true, false]);
  });

  test("seals equal values differently", async () => {
    const [one, other] = [await someone(), await someone()];
    await usermesh.api.put("users/me/profile", one.profile, other.access);
    expect((await sealedOf(one.id)).split(".")[3]).not.toBe((await sealedOf(other.id)).split(".")[3]);
  });
});

describe("a modified sealed value", () => {
  const alterations: ReadonlyArray<readonly [string, (sealed: string, other: string) => string]> = [
    ["with one character changed", (sealed) => flipped(sealed, 3)],
    ["with another nonce", (sealed) => flipped(sealed, 2)],
    ["with another key id", (sealed) => sealed.replace(/^v1\.\w+/, "v1.zz")],
    ["replaced by another person's", (_, other) => other],
    ["replaced by clear text", () => '{"phone":"+491700000000","date_of_birth":"2000-01-01"}'],
    ["replaced by an empty string", () => ""],
  ];
  test.each(alterations)("%s is not returned, nor anything in its place", async (_, alter) => {
    const [person, other] = [await someone(), await someone()];
    const before = await sealedOf(person.id);
    await setSealed(person.id, alter(before, await sealedOf(other.id)));
    const fresh = await touched(person.access);
    expect(fresh.status).toBeGreaterThanOrEqual(500);
    expect(JSON.stringify(fresh.body)).not.toMatch(/\+49|19\d\d-|20\d\d-01-01|seal/i);
    await setSealed(person.id, before);
    expect((await touched(person.access)).body.data).toMatchObject(person.profile);
  });

  test("replaced by a known password's hash opens no account", async () => {
    const [person, mallory] = [await someone(), await someone()];
    const sql =
      "UPDATE auth.credentials c SET secret = m.secret FROM auth.credentials m WHERE c.user_id = $1 AND m.user_id = $2";
    await usermesh.database.query(sql, [person.id, mallory.id]);
    const answer = await usermesh.api.post("auth/login", { email: person.email, password: mallory.password });
    expect(answer.status).not.toBe(200);
    expect(answer.body.data).toBeUndefined();
  });
});

/** Bypasses all caches and returns the whole profile. */
const touched = (access: string) => usermesh.api.put("users/me/profile", { headline: "Still me" }, access);

function flipped(sealed: string, part: number): string {
  const parts = sealed.split(".");
  const text = parts[part] ?? "";
  parts[part] = (text.startsWith("A") ? "B" : "A") + text.slice(1);
  return parts.join(".");
}
