import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "../../support/eventually.ts";
import { type Account, callerOf, newUser, startUsers, type UserServices } from "../../support/start/user-services.ts";

const password = "Right-horse-7-staple";

let mesh: UserServices;
beforeAll(async () => {
  mesh = await startUsers(["users", "auth", "sessions", "preferences"]);
});
afterAll(() => mesh.stop());

async function register(): Promise<Account> {
  const { user } = await mesh.call("auth.register", { email: newUser().email, password });
  if (!user) throw new Error("Registered without an account");
  return user;
}

/** Somebody at a session that was left open an hour ago. */
const change = (user: Account, current_password: string, email = newUser().email) =>
  mesh.call("users.updateMe", { email, current_password }, callerOf(user, { auth_time: Date.now() / 1_000 - 3_600 }));

describe("an email change from an old session", () => {
  test("is accepted with the password", async () => {
    const email = newUser().email;
    expect(await change(await register(), password, email)).toMatchObject({ pending_email: email });
  });

  test("is refused with a wrong password, and nothing is pending", async () => {
    const user = await register();
    await expect(change(user, "Wrong-horse-7-staple")).rejects.toMatchObject({ type: "invalid_credentials" });
    expect((await mesh.as("auth", "users.get", { id: user.id }))?.pending_email).toBeNull();
  });

  test("is cancelled by a password change", async () => {
    const user = await register();
    await change(user, password);
    const body = { current_password: password, new_password: "Other-horse-8-staple" };
    await mesh.call("auth.changePassword", body, callerOf(user));
    await eventually(
      "no pending address",
      async () => (await mesh.as("auth", "users.get", { id: user.id }))?.pending_email === null,
    );
  });

  test("requested after a password change is not cancelled by its delayed event", async () => {
    const user = await register();
    await mesh.call(
      "auth.changePassword",
      { current_password: password, new_password: "Other-horse-8-staple" },
      callerOf(user),
    );
    await mesh.call("users.updateMe", { email: newUser().email }, callerOf(user));
    const consumed = "SELECT 1 FROM users.inbox i JOIN auth.outbox o ON o.event_id = i.event_id WHERE o.user_id = $1";
    await eventually("the event consumed", async () => (await mesh.database.query(consumed, [user.id])).length > 0);
    expect((await mesh.as("auth", "users.get", { id: user.id }))?.pending_email).not.toBeNull();
  });
});
