import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { systemClock } from "../../../lib/runtime/clock.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { type Account, callerOf, startUsers, type UserServices } from "../../support/start/user-services.ts";

let mesh: UserServices;
beforeAll(async () => {
  mesh = await startUsers(["users", "preferences", "sessions"]);
});
afterAll(() => mesh.stop());

const update = (user: Account, change: object) => mesh.call("preferences.updateMe", change, callerOf(user));
const read = (user: Account) => mesh.call("preferences.me", {}, callerOf(user));
const visibility = async ({ id }: Account) =>
  (await mesh.database.query("SELECT privacy_profile, privacy_location FROM users.users WHERE id = $1", [id]))[0];

const defaults = {
  notification_email: true,
  notification_push: true,
  age_min: 18,
  age_max: 65,
  location_radius: 50,
  privacy_profile: "public",
  privacy_location: true,
  job_types: [],
  language: null,
};

describe("preferences", () => {
  test("are the defaults until the first change", async () => {
    expect(await read(await mesh.create())).toMatchObject(defaults);
  });

  test("change in the fields that are sent, and null resets to the default", async () => {
    const user = await mesh.create();
    await update(user, { age_min: 30, language: "de-CH", job_types: ["remote"], notification_push: false });
    expect(await update(user, { age_min: null, job_types: null })).toMatchObject({
      ...defaults,
      language: "de-CH",
      notification_push: false,
    });
    expect(await mesh.as("worker-mail", "preferences.get", { user_id: user.id }).catch((error) => error.type)).toBe(
      "forbidden",
    );
  });

  test("record an event with the changed fields, and none without a change", async () => {
    const user = await mesh.create();
    await update(user, { age_min: 30, age_max: 65 });
    await update(user, { age_min: 30 });
    const facts = (await mesh.facts(user.id)).filter((fact) => fact.event_type === "preferences.updated");
    expect(facts).toMatchObject([
      { source: "preferences", version: 1, updated_fields: ["age_min"], tenant_id: user.tenant_id },
    ]);
  });

  test.each([
    [{ age_min: 70 }, "age_min"],
    [{ age_max: 17 }, "age_max"],
  ])("%p contradicts what is stored", async (change, field) => {
    const user = await mesh.create();
    await expect(update(user, change)).rejects.toMatchObject({
      type: "validation_failed",
      data: { errors: [{ field }] },
    });
    expect(await read(user)).toMatchObject(defaults);
  });

  test("a salary limit is checked against the stored one", async () => {
    const user = await mesh.create();
    await update(user, { salary_max: 50_000 });
    await expect(update(user, { salary_min: 60_000 })).rejects.toMatchObject({ type: "validation_failed" });
    expect(await update(user, { salary_min: 60_000, salary_max: 70_000 })).toMatchObject({ salary_min: 60_000 });
  });

  test("an unknown field is refused", async () => {
    await expect(update(await mesh.create(), { user_id: newId(systemClock) })).rejects.toMatchObject({
      data: { errors: [{ field: "user_id", code: "unknown_field" }] },
    });
  });

  test("two keyed changes get their own answers", async () => {
    const user = await mesh.create();
    const keyed = (key: string, change: object) =>
      mesh.keyed(key + user.id, "preferences.updateMe", change, callerOf(user));
    const [one, two] = await Promise.all([keyed("a", { age_min: 20 }), keyed("b", { age_max: 40 })]);
    expect([await keyed("a", { age_min: 20 }), await keyed("b", { age_max: 40 })]).toEqual([one, two]);
    expect(one.age_min).toBe(20);
    expect(two.age_max).toBe(40);
  });
});

describe("visibility", () => {
  test("is what users enforces", async () => {
    const user = await mesh.create();
    await update(user, { privacy_profile: "private", privacy_location: false });
    expect(await visibility(user)).toEqual({ privacy_profile: "private", privacy_location: false });
  });

  test("is the same in both services after concurrent changes", async () => {
    const user = await mesh.create();
    const wishes = ["private", "public", "connections", "private", "public", "connections"] as const;
    for (let round = 1; round <= 20; round += 1) {
      await Promise.all(wishes.map((privacy_profile) => update(user, { privacy_profile })));
      expect((await visibility(user))?.privacy_profile).toBe((await read(user)).privacy_profile);
    }
  });

  test("is not reverted by a late repeat of a keyed request", async () => {
    const user = await mesh.create();
    const first = () =>
      mesh.keyed(`late-${user.id}`, "preferences.updateMe", { privacy_profile: "public" }, callerOf(user));
    await first();
    await update(user, { privacy_profile: "private" });
    await first();
    expect((await visibility(user))?.privacy_profile).toBe("private");
  });

  test("is not reverted by a delayed duplicate of an operation", async () => {
    const user = await mesh.create();
    const operation = { user_id: user.id, operation_id: newId(systemClock), privacy_profile: "public" } as const;
    const duplicate = () => mesh.as("preferences", "users.setVisibility", operation);
    await duplicate();
    await update(user, { privacy_profile: "private" });
    expect(await duplicate()).toEqual({ privacy_profile: "private", privacy_location: true, updated_fields: [] });
    expect((await read(user)).privacy_profile).toBe("private");
  });

  test("is reset to its default by null", async () => {
    const user = await mesh.create({ privacy_profile: "private", privacy_location: false });
    expect(await update(user, { privacy_profile: null, privacy_location: null })).toMatchObject(defaults);
    expect(await visibility(user)).toEqual({ privacy_profile: "public", privacy_location: true });
  });

  test("is not changed by a request whose other fields are refused", async () => {
    const user = await mesh.create();
    await expect(update(user, { privacy_profile: "private", age_min: 70 })).rejects.toMatchObject({
      type: "validation_failed",
    });
    expect((await visibility(user))?.privacy_profile).toBe("public");
  });

  test("is recorded as an event by both services, once", async () => {
    const user = await mesh.create();
    await update(user, { privacy_profile: "private", remote: true });
    await update(user, { privacy_profile: "private", remote: true });
    expect((await mesh.facts(user.id)).slice(1)).toMatchObject([
      { event_type: "user.updated", updated_fields: ["privacy_profile"] },
      { event_type: "preferences.updated", updated_fields: ["remote", "privacy_profile"] },
    ]);
  });

  test("after a crash between the two commits holds, and the retry commits the rest", async () => {
    const user = await mesh.create();
    const crashed = { user_id: user.id, operation_id: newId(systemClock), privacy_profile: "private" } as const;
    await mesh.as("preferences", "users.setVisibility", crashed);
    expect(await read(user)).toMatchObject({ privacy_profile: "private", remote: null });
    expect(await update(user, { privacy_profile: "private", remote: true })).toMatchObject({
      privacy_profile: "private",
      remote: true,
    });
  });

  test("that users refuses is not shown", async () => {
    const nobody = { id: newId(systemClock), tenant_id: newId(systemClock) } as Account;
    await expect(update(nobody, { privacy_profile: "private" })).rejects.toMatchObject({ type: "not_found" });
    expect((await read(nobody)).privacy_profile).toBe("public");
  });
});

describe("sent along with a registration", () => {
  test("they exist with the account, and a repeat changes nothing", async () => {
    const user_id = newId(systemClock);
    await mesh.as("auth", "preferences.create", { user_id, preferences: { age_min: 25 } });
    await mesh.as("auth", "preferences.create", { user_id, preferences: { age_min: 26 } });
    expect(await read(await mesh.create({ id: user_id }))).toMatchObject({ age_min: 25 });
  });

  test("a contradictory range is reported for the registration's field", async () => {
    await expect(
      mesh.as("auth", "preferences.create", { user_id: newId(systemClock), preferences: { age_min: 80 } }),
    ).rejects.toMatchObject({
      data: { errors: [{ field: "preferences.age_min" }] },
    });
  });

  test("only those without an account are swept, after a day", async () => {
    const [orphan, young] = [newId(systemClock), newId(systemClock)];
    const user = await mesh.create();
    for (const user_id of [orphan, young, user.id])
      await mesh.as("auth", "preferences.create", { user_id, preferences: { age_min: 25 } });
    await mesh.database.query(
      "UPDATE preferences.preferences SET created_at = now() - interval '25 hours' WHERE user_id = ANY($1)",
      [[orphan, user.id]],
    );
    expect(await mesh.as("worker-maintenance", "preferences.sweep", {})).toMatchObject({ orphans: 1 });
    const left = await mesh.database.query("SELECT user_id FROM preferences.preferences WHERE user_id = ANY($1)", [
      [orphan, young, user.id],
    ]);
    expect(left.map((row) => row.user_id).sort()).toEqual([young, user.id].sort());
  });
});

test("a sweep deletes only old rows", async () => {
  const user = await mesh.create();
  await mesh.settled();
  await mesh.database.query("UPDATE users.outbox SET published_at = now() - interval '8 days' WHERE user_id = $1", [
    user.id,
  ]);
  await mesh.database.query(
    "INSERT INTO users.idempotency (scope, key, body_kid, body_mac, created_at) VALUES ('s', 'old', '', '', now() - interval '25 hours'), ('s', 'new', '', '', now())",
  );
  expect(await mesh.as("worker-maintenance", "users.sweep", {})).toEqual({
    outbox: 1,
    idempotency: 1,
    inbox: 0,
    email_changes: 0,
    avatars: 0,
  });
});
