import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createTestDatabase, type TestDatabase } from "../../support/start/database.ts";
import { startServices } from "../../support/start/services.ts";
import { auth, callerOf, newUser } from "../../support/start/user-services.ts";

const [older, newer] = [`k1:${"a".repeat(40)}`, `k2:${"b".repeat(40)}`];
const maintenance = { kind: "service", name: "worker-maintenance" } as const;
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

test("sealed profiles are resealed under the new key, after which the old key can be removed", async () => {
  const start = (ring: string) =>
    startServices(["users", "sessions"], { DATABASE_URL: database.url, SECRET_KEY: ring });
  const one = await start(older);
  const { user } = await one.call("users.create", newUser(), auth);
  const { user: plain } = await one.call("users.create", newUser(), auth);
  await one.call("users.updateProfile", { phone: "+441234567890" }, callerOf(user));
  await one.call("users.updateProfile", { headline: "Nothing to hide" }, callerOf(plain));
  await one.stop();

  const both = await start(`${newer},${older}`);
  expect(await both.call("users.rotateKeys", {}, maintenance)).toEqual({ profiles_resealed: 1 });
  expect(await both.call("users.rotateKeys", {}, maintenance)).toEqual({ profiles_resealed: 0 });
  await both.stop();

  const last = await start(newer);
  expect(await last.call("users.profile", {}, callerOf(user))).toMatchObject({ phone: "+441234567890" });
  await last.stop();
});
