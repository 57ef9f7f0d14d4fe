import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { accountTexts } from "../../../services/users/contract/users-shapes.contract.ts";
import { type Account, callerOf, outcome, startUsers, type UserServices } from "../../support/start/user-services.ts";

let mesh: UserServices;
beforeAll(async () => {
  mesh = await startUsers(["users", "sessions"]);
});
afterAll(() => mesh.stop());

const update = (user: Account, change: object) => mesh.call("users.updateMe", change, callerOf(user));
const updateProfile = (user: Account, change: object) => mesh.call("users.updateProfile", change, callerOf(user));

describe("the caller's account", () => {
  test("changes only in the fields that are sent", async () => {
    const user = await mesh.create({ full_name: "Ada", username: "ada.b" });
    const changed = await update(user, { company: "Analytical Engines", bio: "line\nline" });
    expect(changed).toEqual({
      ...user,
      company: "Analytical Engines",
      bio: "line\nline",
      updated_at: changed.updated_at,
    });
  });

  test("stores every text that the contract lists", async () => {
    const user = await mesh.create();
    const texts = Object.fromEntries(Object.keys(accountTexts).map((name) => [name, `my ${name}`]));
    expect(await update(user, texts)).toMatchObject(texts);
    expect(await mesh.call("users.me", {}, callerOf(user))).toMatchObject(texts);
  });

  test("null clears a field", async () => {
    const user = await mesh.create({ full_name: "Ada", username: "ada.c", push_token: "push" });
    expect(await update(user, { full_name: null, username: null, push_token: null })).toMatchObject({
      full_name: null,
      username: null,
      has_push_token: false,
    });
  });

  test("records an event with the changed fields, and none without a change", async () => {
    const user = await mesh.create({ full_name: "Ada" });
    await update(user, { full_name: "Ada", company: "AE" });
    await update(user, { company: "AE" });
    expect((await mesh.facts(user.id)).slice(1)).toMatchObject([
      {
        event_type: "user.updated",
        updated_fields: ["company"],
        version: 2,
        email: user.email,
        name: "Ada",
        actor_id: user.id,
      },
    ]);
  });

  test("a taken username is 409, ignoring case; the account's own is accepted", async () => {
    await mesh.create({ username: "taken.name" });
    const user = await mesh.create({ username: "my.name" });
    await expect(update(user, { username: "Taken.Name" })).rejects.toMatchObject({ type: "username_taken" });
    expect((await update(user, { username: "MY.name" })).username).toBe("MY.name");
  });

  test("one of 10 accounts that concurrently request a username gets it", async () => {
    const users = await Promise.all(Array.from({ length: 10 }, () => mesh.create()));
    const results = await Promise.allSettled(users.map((user) => update(user, { username: "wanted" })));
    expect(results.map(outcome).sort()).toEqual(["done", ...Array.from({ length: 9 }, () => "username_taken")]);
  });

  test("a kept 409 is repeated", async () => {
    const holder = await mesh.create({ username: "kept.name" });
    const user = await mesh.create();
    const tryIt = () => mesh.keyed("kept-409", "users.updateMe", { username: "kept.name" }, callerOf(user));
    await expect(tryIt()).rejects.toMatchObject({ type: "username_taken" });
    await update(holder, { username: null });
    await expect(tryIt()).rejects.toMatchObject({ type: "username_taken" });
  });

  test.each([["roles"], ["tenant_id"], ["is_verified"], ["is_active"], ["constructor"], ["id"]])(
    "%s is no field of it",
    async (field) => {
      const user = await mesh.create();
      await expect(update(user, { [field]: ["admin"] })).rejects.toMatchObject({
        type: "validation_failed",
        data: { errors: [{ field, code: "unknown_field" }] },
      });
    },
  );

  test("a token of a deleted account is refused", async () => {
    const user = await mesh.create();
    await mesh.database.query("DELETE FROM users.users WHERE id = $1", [user.id]);
    await expect(mesh.call("users.me", {}, callerOf(user))).rejects.toMatchObject({ type: "session_ended" });
    await expect(update(user, { bio: "ghost" })).rejects.toMatchObject({ type: "session_ended" });
  });
});

describe("the extended profile", () => {
  const full = {
    phone: "+491701234567",
    date_of_birth: "1815-12-10",
    gender: "f",
    industry: "Computing",
    years_of_experience: 10,
    skills: ["notes", "Bernoulli numbers"],
    education: [{ school: "Home", from_year: 1930 }],
    experience: [{ title: "Countess", company: null }],
    languages: ["en", "fr"],
    linkedin_url: "https://example.com/ada",
    github_url: null,
    website_url: "http://example.com",
    headline: "Poetical science",
  };

  test("is empty at first", async () => {
    const user = await mesh.create();
    expect(await mesh.call("users.profile", {}, callerOf(user))).toMatchObject({
      user_id: user.id,
      phone: null,
      skills: [],
      education: [],
      updated_at: user.created_at,
    });
  });

  test("is read as written", async () => {
    const user = await mesh.create();
    expect(await updateProfile(user, full)).toMatchObject({ user_id: user.id, ...full });
    expect(await mesh.call("users.profile", {}, callerOf(user))).toMatchObject({ user_id: user.id, ...full });
  });

  test("null clears a field and a list", async () => {
    const user = await mesh.create();
    await updateProfile(user, full);
    expect(await updateProfile(user, { phone: null, skills: null })).toMatchObject({
      ...full,
      phone: null,
      skills: [],
    });
  });

  test("phone and date of birth are never stored in plaintext", async () => {
    const user = await mesh.create();
    await updateProfile(user, full);
    const [row] = await mesh.database.query(
      "SELECT to_jsonb(p)::text AS text FROM users.profiles p WHERE user_id = $1",
      [user.id],
    );
    const events = JSON.stringify(await mesh.facts(user.id));
    for (const secret of [full.phone, full.date_of_birth]) expect(`${row?.text}${events}`).not.toContain(secret);
  });

  test("keeps both of two concurrent first changes", async () => {
    const user = await mesh.create();
    await Promise.all([updateProfile(user, { headline: "one" }), updateProfile(user, { gender: "two" })]);
    expect(await mesh.call("users.profile", {}, callerOf(user))).toMatchObject({ headline: "one", gender: "two" });
  });

  test("a date of birth in the future is refused", async () => {
    const user = await mesh.create();
    await expect(updateProfile(user, { date_of_birth: "2999-01-01" })).rejects.toMatchObject({
      type: "validation_failed",
    });
  });
});
