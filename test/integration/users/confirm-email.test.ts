import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { systemClock } from "../../../lib/runtime/clock.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { emailKey } from "../../../lib/runtime/text-keys.ts";
import {
  type Account,
  callerOf,
  newUser,
  outcome,
  startUsers,
  type UserServices,
} from "../../support/start/user-services.ts";

let mesh: UserServices;
beforeAll(async () => {
  mesh = await startUsers(["users", "sessions"]);
});
afterAll(() => mesh.stop());

const id = () => newId(systemClock);
const confirm = (user: Account, email: string, token_id: string, event_id = id()) =>
  mesh.as("auth", "users.confirmEmail", { user_id: user.id, email_key: emailKey(email), token_id, event_id });
const typesOf = async (user: Account) => (await mesh.facts(user.id)).map((fact) => fact.event_type);
const tokenIdOf = async (user: Account) => String((await mesh.facts(user.id)).at(-1)?.email_change);
const wish = (user: Account, email: string) => mesh.call("users.updateMe", { email }, callerOf(user));

describe("verification", () => {
  test("happens once per token, and a repeat says so", async () => {
    const user = await mesh.create();
    const [token_id, event_id] = [id(), id()];
    expect(await confirm(user, user.email, token_id, event_id)).toMatchObject({
      already: false,
      user: { is_verified: true },
    });
    expect(await confirm(user, user.email, token_id, event_id)).toMatchObject({
      already: true,
      user: { is_verified: true },
    });
    expect(await typesOf(user)).toEqual(["user.created", "user.verified"]);
    expect((await mesh.facts(user.id)).at(-1)?.event_id).toBe(event_id);
  });

  test("has one effect for 20 concurrent calls", async () => {
    const user = await mesh.create();
    const [token_id, event_id] = [id(), id()];
    const all = await Promise.all(Array.from({ length: 20 }, () => confirm(user, user.email, token_id, event_id)));
    expect(all.filter((one) => !one.already)).toHaveLength(1);
    expect(await typesOf(user)).toEqual(["user.created", "user.verified"]);
  });

  test("is refused for an earlier address of the account", async () => {
    const user = await mesh.create();
    await expect(confirm(user, "old@example.com", id())).rejects.toMatchObject({ type: "one_time_token_invalid" });
    expect((await mesh.as("auth", "users.get", { id: user.id }))?.is_verified).toBe(false);
  });
});

describe("an email change", () => {
  test("stays pending_email until its link is used", async () => {
    const user = await mesh.create();
    const email = newUser().email;
    expect(await wish(user, email)).toMatchObject({ email: user.email, pending_email: email });
    const result = await confirm(user, email, await tokenIdOf(user));
    expect(result.user).toMatchObject({ email, pending_email: null, is_verified: true });
    expect((await mesh.as("auth", "users.findForSignIn", { tenant: "default", email })).user?.id).toBe(user.id);
  });

  test("succeeds for the first account to use its link; the other is refused and its pending email cleared", async () => {
    const [one, other, email] = [await mesh.create(), await mesh.create(), newUser().email];
    await wish(one, email);
    await wish(other, email);
    const [first, second] = [await tokenIdOf(one), await tokenIdOf(other)];
    const results = await Promise.allSettled([confirm(one, email, first), confirm(other, email, second)]);
    expect(results.map(outcome).sort()).toEqual(["done", "email_taken"]);
    const [loser, link] = results[0]?.status === "rejected" ? [one, first] : [other, second];
    expect((await mesh.as("auth", "users.get", { id: loser.id }))?.pending_email).toBeNull();
    await expect(confirm(loser, email, link)).rejects.toMatchObject({ type: "one_time_token_invalid" });
  });

  test("is cancelled by a newer one", async () => {
    const user = await mesh.create();
    const [older, newer] = [newUser().email, newUser().email];
    await wish(user, older);
    const token_id = await tokenIdOf(user);
    await wish(user, newer);
    await expect(confirm(user, older, token_id)).rejects.toMatchObject({ type: "one_time_token_invalid" });
  });

  test("is cancelled by sending the current address", async () => {
    const user = await mesh.create();
    await wish(user, newUser().email);
    expect((await wish(user, user.email)).pending_email).toBeNull();
  });

  test("requires the password or a sign-in of the last five minutes", async () => {
    const user = await mesh.create();
    const stale = callerOf(user, { auth_time: Math.floor(Date.now() / 1_000) - 301 });
    await expect(mesh.call("users.updateMe", { email: newUser().email }, stale)).rejects.toMatchObject({
      type: "step_up_required",
    });
    await expect(mesh.call("users.updateMe", { full_name: "Not the email" }, stale)).resolves.toMatchObject({
      full_name: "Not the email",
    });
  });
});
