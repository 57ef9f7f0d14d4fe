import { pbkdf2Sync } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createBulkhead } from "../../../lib/runtime/bulkhead.ts";
import { createPasswordHashing } from "../../../services/auth/password/password-hashing.ts";
import { eventually } from "../../support/eventually.ts";
import { type AuthServices, outcomes, right, startAuth, userCaller, wrong } from "../../support/start/auth-services.ts";

let auth: AuthServices;
beforeAll(async () => {
  auth = await startAuth({ PASSWORD_HASH_CONCURRENCY: "2" });
});
afterAll(() => auth?.stop());

const newPassword = "Fresh-horse-8-staple";
const requestReset = (email: string) => auth.from("192.0.2.1", "auth.requestReset", { email });
const confirm = (token: string, password = newPassword, key?: { key: string }) =>
  auth.from("192.0.2.1", "auth.confirmReset", { token, new_password: password }, key);
const invalid = { type: "one_time_token_invalid", status: 400 };

async function personWithToken() {
  const person = await auth.register();
  await requestReset(person.email);
  return { person, token: await auth.mailedToken(person.id, "reset_password") };
}

describe("a password reset", () => {
  test("replaces the password, ends all sessions and works once", async () => {
    const { person, token } = await personWithToken();
    const { session_id } = await auth.login(person);
    await confirm(token);
    await expect(auth.login(person)).rejects.toMatchObject({ type: "invalid_credentials" });
    expect((await auth.login({ ...person, password: newPassword })).status).toBe("signed_in");
    expect(await auth.as("auth", "sessions.get", { id: session_id, user_id: person.id })).toBeNull();
    await expect(confirm(token)).rejects.toMatchObject(invalid);
  });

  test("used 50 times at once takes effect once", async () => {
    const { person, token } = await personWithToken();
    const uses = Array.from({ length: 50 }, (_, n) => confirm(token, `Fresh-horse-${n}-staple`));
    expect(await outcomes(uses)).toEqual({ done: 1, one_time_token_invalid: 49 });
    const events = await auth.database.query(
      "SELECT 1 FROM auth.outbox WHERE user_id = $1 AND body->>'event_type' = 'password.changed'",
      [person.id],
    );
    expect(events).toHaveLength(1);
  });

  test("an older link is superseded by a newer one, even if both are used at once", async () => {
    const { person, token: older } = await personWithToken();
    await requestReset(person.email);
    const newer = await auth.mailedToken(person.id, "reset_password");
    expect(newer).not.toBe(older);
    const used = await Promise.allSettled([
      confirm(older, "Older-horse-8-staple"),
      confirm(newer, "Newer-horse-8-staple"),
    ]);
    expect(used.map((one) => one.status)).toEqual(["rejected", "fulfilled"]);
    await auth.login({ ...person, password: "Newer-horse-8-staple" });
  });

  test("expires an hour after the mail was sent, not after it was requested", async () => {
    const { person, token } = await personWithToken();
    const shift = (column: string, age: string) =>
      auth.database.query(`UPDATE auth.one_time_tokens SET ${column} = now() - interval '${age}' WHERE user_id = $1`, [
        person.id,
      ]);
    await shift("requested_at", "5 hours");
    await shift("first_sent_at", "61 minutes");
    await expect(confirm(token)).rejects.toMatchObject(invalid);
    await shift("first_sent_at", "59 minutes");
    await confirm(token);
  });

  test("expires a day after it was requested, whenever the mail was sent", async () => {
    const { person, token } = await personWithToken();
    await auth.database.query(
      "UPDATE auth.one_time_tokens SET requested_at = now() - interval '25 hours' WHERE user_id = $1",
      [person.id],
    );
    await expect(confirm(token)).rejects.toMatchObject(invalid);
  });

  test("is refused after all sessions were ended for another reason", async () => {
    const { person, token } = await personWithToken();
    await auth.call("sessions.logoutAll", {}, userCaller(await auth.login(person)));
    await expect(confirm(token)).rejects.toMatchObject(invalid);
  });

  test("with a password that the policy refuses does not spend the token", async () => {
    const { token } = await personWithToken();
    await expect(confirm(token, "password")).rejects.toMatchObject({ type: "validation_failed" });
    await confirm(token);
  });

  test("works for a throttled account and ends the throttling", async () => {
    const person = await auth.register();
    await outcomes(Array.from({ length: 12 }, () => auth.login({ ...person, password: wrong })));
    await requestReset(person.email);
    await confirm(await auth.mailedToken(person.id, "reset_password"));
    expect((await auth.login({ ...person, password: newPassword })).status).toBe("signed_in");
  });

  test("repeated with the same idempotency key gets the first response again", async () => {
    const { person, token } = await personWithToken();
    await confirm(token, newPassword, { key: "key-1" });
    await auth.login({ ...person, password: newPassword });
    expect(await confirm(token, newPassword, { key: "key-1" })).toEqual({});
    expect((await auth.login({ ...person, password: newPassword })).status).toBe("signed_in");
  });

  test("leaves no session of a login that was hashing the old password in the meantime", async () => {
    const { person, token } = await personWithToken();
    await giveSlowHash(person.id);
    const login = outcomes([auth.login(person)]);
    await eventually("the hash being computed", async () => {
      const [row] = await auth.database.query<{ pending: number }>(
        "SELECT pending FROM auth.login_attempts WHERE user_id = $1 AND key = account",
        [person.id],
      );
      return row?.pending === 1;
    });
    await confirm(token);
    expect(await login).toEqual({ session_ended: 1 });
    const sessions = await auth.database.query(
      "SELECT 1 FROM sessions.sessions WHERE user_id = $1 AND revoked_at IS NULL",
      [person.id],
    );
    expect(sessions).toHaveLength(0);
  });
});

describe("a forged reset token", () => {
  test.each([
    [
      "of another request",
      (token: string, other: string) => token.replace(token.split(".")[2] ?? "", other.split(".")[2] ?? ""),
    ],
    ["with a changed last character", (token: string) => token.slice(0, -1) + (token.endsWith("A") ? "B" : "A")],
    ["with an unknown key", (token: string) => token.replace(/^v1\.\w+/, "v1.zz")],
    ["with SQL in it", () => "v1.k1.' OR 1=1 --.x"],
    ["truncated", (token: string) => token.slice(0, -2)],
    ["with an additional character", (token: string) => `${token}=`],
  ])("%s is refused", async (_, forge) => {
    const { token } = await personWithToken();
    const { token: other } = await personWithToken();
    await expect(confirm(forge(token, other))).rejects.toMatchObject(invalid);
    await confirm(token);
  });

  test("of another purpose is refused", async () => {
    const person = await auth.register();
    const token = await auth.mailedToken(person.id, "verify_email");
    await expect(confirm(token)).rejects.toMatchObject(invalid);
  });
});

describe("a request for a reset link", () => {
  test("gets the same response for an unknown address, and writes as many rows", async () => {
    const { email } = await auth.register();
    const rows = async () =>
      (
        await auth.database.query<{ n: number }>(
          "SELECT (SELECT count(*) FROM auth.one_time_tokens) + (SELECT count(*) FROM auth.outbox) AS n",
        )
      )[0]?.n;
    await eventually(
      "the mail of the registration",
      async () => (await auth.database.query("SELECT 1 FROM auth.one_time_tokens")).length > 0,
    );
    await eventually("no rows are written in the background", async () => {
      const before = await rows();
      await sleep(300);
      return (await rows()) === before;
    });
    const written = async (address: string) => {
      const before = Number(await rows());
      expect(await requestReset(address)).toEqual({});
      return Number(await rows()) - before;
    };
    expect(await written("stranger@example.com")).toBe(await written(email));
  });

  test("is limited to 10 unused links per hour, so that it cannot flood a mailbox", async () => {
    const person = await auth.register();
    for (let n = 0; n < 13; n += 1) await requestReset(person.email);
    expect(await auth.oneTimeTokens(person.id, "reset_password")).toHaveLength(10);
  });
});

describe("a password change", () => {
  const change = (caller: Parameters<AuthServices["call"]>[2], current: string, next = newPassword) =>
    auth.call("auth.changePassword", { current_password: current, new_password: next }, caller);

  test("ends the other sessions and keeps this one", async () => {
    const person = await auth.register();
    const [mine, other] = [await auth.login(person), await auth.login(person)];
    await change(userCaller(mine), right);
    const alive = (id: string) => auth.as("auth", "sessions.get", { id, user_id: person.id });
    expect(await alive(mine.session_id)).not.toBeNull();
    expect(await alive(other.session_id)).toBeNull();
    await auth.login({ ...person, password: newPassword });
  });

  test("requires the current password, and counts as a login attempt", async () => {
    const person = await auth.register();
    const caller = userCaller(await auth.login(person));
    for (let n = 0; n < 10; n += 1)
      await expect(change(caller, wrong)).rejects.toMatchObject({ type: "invalid_credentials" });
    await expect(change(caller, right)).rejects.toMatchObject({ type: "too_many_attempts" });
  });

  test("ends pending reset links", async () => {
    const { person, token } = await personWithToken();
    await change(userCaller(await auth.login(person)), right);
    await expect(confirm(token)).rejects.toMatchObject(invalid);
  });

  test("made twice at once succeeds once", async () => {
    const person = await auth.register();
    const caller = userCaller(await auth.login(person));
    const seen = await outcomes([
      change(caller, right, "First-horse-8-staple"),
      change(caller, right, "Other-horse-8-staple"),
    ]);
    expect(seen.done).toBe(1);
  });
});

/** Takes some hundred milliseconds to verify, like a hash in production. */
async function giveSlowHash(userId: string): Promise<void> {
  const iterations = 1_500_000;
  const hash = pbkdf2Sync(right, "salt", iterations, 32, "sha256").toString("base64");
  const hashing = createPasswordHashing({
    ring: auth.platform.ring,
    cost: 4,
    bulkhead: createBulkhead({ concurrency: 1, queue: 1 }),
  });
  const [credential] = await auth.database.query<{ id: string }>("SELECT id FROM auth.credentials WHERE user_id = $1", [
    userId,
  ]);
  const secret = hashing.importHash(`pbkdf2_sha256$${iterations}$salt$${hash}`, credential?.id ?? "");
  await auth.database.query("UPDATE auth.credentials SET secret = $2 WHERE user_id = $1", [userId, secret]);
}
