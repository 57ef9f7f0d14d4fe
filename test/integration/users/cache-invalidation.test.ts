import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Call } from "../../../lib/actions/typed-call.ts";
import { createDatabase, type Database } from "../../../mixins/database/database.mixin.ts";
import { createServiceCaches, type ServiceCaches } from "../../../mixins/near-cache.mixin.ts";
import { lockAccount, updateAccount } from "../../../services/users/core/users.repo.ts";
import { usersEntities } from "../../../services/users/users.entities.ts";
import { type Account, startUsers, type UserServices } from "../../support/start/user-services.ts";

let mesh: UserServices;
let db: Database;
let caches: ServiceCaches;
let user: Account;
beforeAll(async () => {
  mesh = await startUsers(["users", "sessions"]);
  db = createDatabase(mesh.platform, { schema: "users", entities: usersEntities });
  await db.connect();
  caches = createServiceCaches(mesh.platform, db);
  user = await mesh.create({ push_token: "device" });
});
afterAll(async () => {
  await db.close();
  await mesh.stop();
});

const call: Call = (name, params) => mesh.as("users", name, params);
const hasPushToken = async () => (await mesh.as("auth", "users.get", { id: user.id }))?.has_push_token;
const lastEntry = async () =>
  Number((await mesh.database.query("SELECT last_seq FROM sessions.revocation_log_state"))[0]?.last_seq);

test("an account is locked by a transaction that invalidated it", async () => {
  const before = await lastEntry();
  await caches.invalidating(call, user.id).transaction((tx) => lockAccount(tx, user.id));
  expect(await lastEntry()).toBe(before + 1);
});

test("a transaction that invalidated another account can't lock it, and changes nothing", async () => {
  const other = await mesh.create();
  const written = caches.invalidating(call, other.id).transaction(async (tx) => {
    await updateAccount(tx, user.id, { push_token: null });
    await lockAccount(tx, user.id);
  });
  await expect(written).rejects.toThrow(`without invalidating ${user.id}`);
  expect(await hasPushToken()).toBe(true);
});

test("locking an account in a plain transaction does not compile, and fails", async () => {
  // @ts-expect-error a Transaction is no InvalidatingTransaction
  await expect(db.transaction((tx) => lockAccount(tx, user.id))).rejects.toThrow();
});

test("a transaction does not begin if the caches can't be invalidated", async () => {
  let begun = false;
  const unreachable: Call = async () => {
    throw new Error("sessions is unavailable");
  };
  const written = caches.invalidating(unreachable, user.id).transaction(async () => {
    begun = true;
  });
  await expect(written).rejects.toThrow("sessions is unavailable");
  expect(begun).toBe(false);
});
