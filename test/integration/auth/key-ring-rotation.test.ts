import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type Person, startAuth } from "../../support/start/auth-services.ts";
import { createTestDatabase, type TestDatabase } from "../../support/start/database.ts";

const [older, newer] = [`k1:${"a".repeat(40)}`, `k2:${"b".repeat(40)}`];
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

test("after stored data has moved to a new key, the old key can be removed from the ring", async () => {
  const one = await startAuth({ SECRET_KEY: older, DATABASE_URL: database.url });
  const people: Person[] = [];
  for (let n = 0; n < 3; n += 1) people.push(await one.register());
  await one.login(people[0] as Person);
  await one.stop();

  const both = await startAuth({ SECRET_KEY: `${newer},${older}`, DATABASE_URL: database.url });
  await both.login(people[0] as Person);
  const done = await both.as("worker-maintenance", "auth.rotateKeys", {});
  expect(done).toMatchObject({ credentials_resealed: 2, signing_keys_resealed: 1 });
  expect(await both.as("worker-maintenance", "auth.rotateKeys", {})).toMatchObject({ credentials_resealed: 0 });
  await both.stop();

  const last = await startAuth({ SECRET_KEY: newer, DATABASE_URL: database.url });
  for (const person of people) expect((await last.login(person)).status).toBe("signed_in");
  await last.stop();
});

test("a node without a credential's key answers 503, not that the password is wrong", async () => {
  const fresh = await createTestDatabase();
  // This node starts before any credential exists that it can't read; later it would refuse to start.
  const other = await startAuth({ SECRET_KEY: newer, DATABASE_URL: fresh.url });
  const one = await startAuth({ SECRET_KEY: older, DATABASE_URL: fresh.url });
  const person = await one.register();
  await expect(other.login(person)).rejects.toMatchObject({ type: "service_unavailable" });
  await one.stop();
  await other.stop();
  await fresh.drop();
});

test("a start without a key in use is refused, and says which one and what to write", async () => {
  const fresh = await createTestDatabase();
  const unlabelled = "x".repeat(40);
  const one = await startAuth({ SECRET_KEY: unlabelled, DATABASE_URL: fresh.url });
  await one.register();
  await one.stop();
  await expect(startAuth({ SECRET_KEY: `${newer},k1:${unlabelled}`, DATABASE_URL: fresh.url })).rejects.toThrow(
    /SECRET_KEY has no key k0, which protects \d+ passwords.*A key without an id is k0: write it as k0:<key>/,
  );
  const next = await startAuth({ SECRET_KEY: `${newer},k0:${unlabelled}`, DATABASE_URL: fresh.url });
  await next.stop();
  await fresh.drop();
});
