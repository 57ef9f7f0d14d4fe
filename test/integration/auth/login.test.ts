import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import bcrypt from "bcrypt";
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { createBulkhead } from "../../../lib/runtime/bulkhead.ts";
import { createPasswordHashing } from "../../../services/auth/password/password-hashing.ts";
import {
  type AuthServices,
  outcomes,
  type Person,
  right,
  startAuth,
  userCaller,
  wrong,
} from "../../support/start/auth-services.ts";

let auth: AuthServices;
beforeAll(async () => {
  auth = await startAuth();
});
afterAll(() => auth?.stop());

const failedAttempt = (person: Pick<Person, "email">, ip?: string) => auth.login({ ...person, password: wrong }, ip);
const attemptsOf = async (userId: string) =>
  (
    await auth.database.query<{ failed: number; pending: number }>(
      "SELECT failed, pending FROM auth.login_attempts WHERE user_id = $1 AND key = account",
      [userId],
    )
  )[0];

describe("login", () => {
  test("issues an access token with all claims, which the published keys verify", async () => {
    const person = await auth.register();
    const signedIn = await auth.login(person);
    const keys = createLocalJWKSet(await auth.call("auth.keys", {}));
    const publicUrl = auth.platform.config.http.publicUrl;
    const { payload } = await jwtVerify(signedIn.access_token, keys, {
      issuer: publicUrl,
      audience: publicUrl,
      typ: "at+jwt",
      algorithms: ["ES256"],
    });
    expect(payload).toMatchObject({
      sub: person.id,
      sid: signedIn.session_id,
      ver: expect.any(Number),
      tver: expect.any(Number),
      roles: ["user"],
      permissions: expect.any(Array),
      tier: "basic",
      email: person.email,
      email_verified: false,
      amr: ["pwd"],
      jti: expect.any(String),
      client_id: "usermesh",
      user_id: person.id,
      role: "user",
    });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(1_800);
    expect(decodeProtectedHeader(signedIn.access_token)).toMatchObject({ alg: "ES256", typ: "at+jwt" });
  });

  test("can be refreshed into a new pair of tokens", async () => {
    const signedIn = await auth.login(await auth.register());
    const fresh = await auth.from("192.0.2.1", "auth.refresh", { refresh_token: signedIn.refresh_token });
    expect(fresh.session_id).toBe(signedIn.session_id);
    expect(fresh.refresh_token).not.toBe(signedIn.refresh_token);
  });

  test("is shown by auth.me with its account and session", async () => {
    const signedIn = await auth.login(await auth.register());
    const me = await auth.call("auth.me", {}, userCaller(signedIn));
    expect(me).toMatchObject({
      user: { id: signedIn.user.id },
      session: { id: signedIn.session_id, is_current: true },
      permissions: [],
    });
  });

  test("gets the same response for a wrong password and an unknown user", async () => {
    const person = await auth.register();
    const answers = await Promise.allSettled([
      failedAttempt(person),
      failedAttempt({ email: "nobody@example.com" }),
      auth.from("192.0.2.9", "auth.login", { username: "no-one", password: wrong }),
    ]);
    const reasons = answers.map((one) => one.status === "rejected" && { ...one.reason, message: one.reason.message });
    expect(reasons[0]).toMatchObject({ type: "invalid_credentials" });
    expect(reasons[1]).toEqual(reasons[0]);
    expect(reasons[2]).toEqual(reasons[0]);
  });

  test("reveals only with the correct password that the account is disabled", async () => {
    const person = await auth.register();
    await auth.database.query("UPDATE users.users SET is_active = false WHERE id = $1", [person.id]);
    await expect(failedAttempt(person)).rejects.toMatchObject({ type: "invalid_credentials" });
    await expect(auth.login(person)).rejects.toMatchObject({ type: "account_disabled" });
  });

  test("upgrades an imported hash once", async () => {
    const person = await auth.register();
    const secretOf = async () =>
      (
        await auth.database.query<{ id: string; secret: string }>(
          "SELECT id, secret FROM auth.credentials WHERE user_id = $1",
          [person.id],
        )
      )[0];
    const { id = "" } = (await secretOf()) ?? {};
    const hashing = createPasswordHashing({
      ring: auth.platform.ring,
      cost: 4,
      bulkhead: createBulkhead({ concurrency: 1, queue: 9 }),
    });
    const foreign = hashing.importHash(await bcrypt.hash(right, 5), id);
    await auth.database.query("UPDATE auth.credentials SET secret = $2 WHERE id = $1", [id, foreign]);
    await auth.login(person);
    const upgraded = (await secretOf())?.secret;
    expect(upgraded).toMatch(/^bcrypt-sha512_256\.4\$/);
    await auth.login(person);
    expect((await secretOf())?.secret).toBe(upgraded);
  });
});

describe("login throttling", () => {
  test("after 10 failed attempts from an address, correct and wrong passwords get the same 429", async () => {
    const person = await auth.register();
    for (let n = 0; n < 10; n += 1)
      await expect(failedAttempt(person)).rejects.toMatchObject({ type: "invalid_credentials" });
    const throttled = { type: "too_many_attempts", status: 429, data: { retry_after: expect.any(Number) } };
    await expect(failedAttempt(person)).rejects.toMatchObject(throttled);
    await expect(auth.login(person)).rejects.toMatchObject(throttled);
  });

  test("an unknown name is throttled like an existing account", async () => {
    const unknown = { email: "never.there@example.com" };
    for (let n = 0; n < 10; n += 1)
      await expect(failedAttempt(unknown)).rejects.toMatchObject({ type: "invalid_credentials" });
    await expect(failedAttempt(unknown)).rejects.toMatchObject({ type: "too_many_attempts" });
  });

  test("another address can still sign in, which clears the account's failed attempts", async () => {
    const person = await auth.register();
    expect(await outcomes(Array.from({ length: 12 }, () => failedAttempt(person)))).toMatchObject({
      invalid_credentials: 10,
    });
    await auth.login(person, "198.51.100.7");
    expect(await attemptsOf(person.id)).toBeUndefined();
  });

  test("50 parallel attempts from 50 addresses are all counted, and then the account is throttled from everywhere", async () => {
    const person = await auth.register();
    const attempts = Array.from({ length: 50 }, (_, n) => failedAttempt(person, `198.51.100.${n}`));
    expect(await outcomes(attempts)).toEqual({ invalid_credentials: 50 });
    expect(await attemptsOf(person.id)).toEqual({ failed: 50, pending: 0 });
    await expect(auth.login(person, "203.0.113.1")).rejects.toMatchObject({ type: "too_many_attempts" });
  });

  test("of 50 parallel attempts from one address, 10 are evaluated", async () => {
    const person = await auth.register();
    expect(await outcomes(Array.from({ length: 50 }, () => failedAttempt(person)))).toEqual({
      invalid_credentials: 10,
      too_many_attempts: 40,
    });
    expect((await attemptsOf(person.id))?.failed).toBe(10);
  });

  test("40 parallel logins with the correct password all succeed", async () => {
    const person = await auth.register();
    expect(await outcomes(Array.from({ length: 40 }, () => auth.login(person)))).toEqual({ done: 40 });
  });

  test("at most 100 consecutive failed attempts are ever evaluated", async () => {
    const person = await auth.register();
    let evaluated = 0;
    for (let n = 0; n < 130; n += 1) {
      await auth.database.query(
        "UPDATE auth.login_attempts SET throttled_until = now() - interval '1 second' WHERE user_id = $1",
        [person.id],
      );
      const seen = await outcomes([failedAttempt(person, `198.51.100.${n}`)]);
      evaluated += seen.invalid_credentials ?? 0;
    }
    expect(evaluated).toBe(100);
    await expect(auth.login(person, "203.0.113.1")).rejects.toMatchObject({
      type: "too_many_attempts",
      data: { retry_after: 900 },
    });
  });

  test("the delay grows to 15 minutes", async () => {
    const person = await auth.register();
    const delays: number[] = [];
    for (let n = 0; n < 18; n += 1) {
      await failedAttempt(person).catch(() => undefined);
      const refused = await failedAttempt(person).catch(
        (error: { data: { retry_after?: number } }) => error.data.retry_after,
      );
      if (typeof refused === "number") delays.push(refused);
      await auth.database.query(
        "UPDATE auth.login_attempts SET throttled_until = now() - interval '1 second' WHERE user_id = $1",
        [person.id],
      );
    }
    expect(delays[0]).toBeGreaterThan(25);
    expect(delays).toEqual(delays.toSorted((left, right) => left - right));
    expect(delays.at(-1)).toBe(900);
  });

  test("an attempt whose node crashed is counted as failed", async () => {
    const person = await auth.register();
    await outcomes([failedAttempt(person)]);
    await auth.database.query(
      "UPDATE auth.login_attempts SET pending = 9, at = now() - interval '30 seconds' WHERE user_id = $1",
      [person.id],
    );
    await expect(auth.login(person)).rejects.toMatchObject({ type: "too_many_attempts" });
  });
});
