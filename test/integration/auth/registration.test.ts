import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Errors } from "moleculer";
import type { Call } from "../../../lib/actions/typed-call.ts";
import { readConfig } from "../../../lib/config/config.ts";
import { createDatabase } from "../../../mixins/database/database.mixin.ts";
import { seedAdmin } from "../../../scripts/run/seed-admin.ts";
import { authEntities } from "../../../services/auth/auth.entities.ts";
import { createConfiguredPasswordHashing } from "../../../services/auth/password/password-hashing.ts";
import { createAccount } from "../../../services/auth/sign-in/create-account.ts";
import { type AuthServices, outcomes, right, startAuth } from "../../support/start/auth-services.ts";

let auth: AuthServices;
beforeAll(async () => {
  auth = await startAuth();
});
afterAll(() => auth?.stop());

const credentials = async () =>
  (await auth.database.query<{ n: number }>("SELECT count(*)::int AS n FROM auth.credentials"))[0]?.n;

describe("registration", () => {
  test("is followed by a login at once", async () => {
    const person = await auth.register();
    expect((await auth.login(person)).user.id).toBe(person.id);
  });

  test("a taken address is refused and leaves no credential", async () => {
    const { email } = await auth.register();
    const before = await credentials();
    await expect(auth.register({ email: email.toUpperCase() })).rejects.toMatchObject({ type: "email_taken" });
    expect(await credentials()).toBe(before);
  });

  test("made 20 times at once with one address creates one account", async () => {
    const before = (await credentials()) ?? 0;
    const email = "twenty@example.com";
    expect(await outcomes(Array.from({ length: 20 }, () => auth.register({ email })))).toEqual({
      done: 1,
      email_taken: 19,
    });
    expect(await credentials()).toBe(before + 1);
    await auth.login({ email, password: right });
  });

  test("a password made of the email's name is refused with a reason", async () => {
    const refused = auth.register({ email: "wilhelmina@example.com", password: "Wilhelmina1" });
    await expect(refused).rejects.toMatchObject({
      type: "validation_failed",
      data: { errors: [{ field: "password", code: "password_contains_personal_data" }] },
    });
  });

  test("accepts name for full_name, and stores the preferences", async () => {
    const person = await auth.register({ name: "Ada", preferences: { remote: true, privacy_profile: "private" } });
    const user = await auth.as("auth", "users.get", { id: person.id });
    expect(user?.full_name).toBe("Ada");
    const preferences = await auth.database.query("SELECT * FROM preferences.preferences WHERE user_id = $1", [
      person.id,
    ]);
    expect(preferences).toHaveLength(1);
  });

  test("an orphaned credential is deleted after a day, and the others are confirmed", async () => {
    const person = await auth.register();
    await auth.database.query(
      `INSERT INTO auth.credentials (id, user_id, kind, secret, kid, created_at)
       SELECT gen_random_uuid(), gen_random_uuid(), 'password', 'x', 'k1', now() - interval '25 hours'`,
    );
    await auth.database.query(
      "UPDATE auth.credentials SET created_at = now() - interval '25 hours' WHERE user_id = $1",
      [person.id],
    );
    expect(await auth.as("worker-maintenance", "auth.sweep", {})).toMatchObject({ orphans: 1 });
    expect((await auth.login(person)).status).toBe("signed_in");
  });

  test("an account with ADMIN_EMAIL is never made an administrator; a start without any is refused", async () => {
    const person = await auth.register();
    const start = () => seedAdmin(auth.broker, readConfig({ ADMIN_EMAIL: person.email, ADMIN_PASSWORD: right }));
    await expect(start()).rejects.toThrow(/There is no administrator.*npm run admin -- create/s);
    expect((await auth.login(person)).user.roles).toEqual(["user"]);
    await auth.as("seed", "auth.seedAdmin", { email: "first@example.com", password: right });
    expect((await start()).password).toContain("is not an administrator");
    await auth.database.query("UPDATE users.users SET is_active = false WHERE email = 'first@example.com'");
    await expect(start()).rejects.toThrow("There is no administrator");
  });

  test("several nodes at once seed one administrator", async () => {
    const seed = () =>
      auth.as("seed", "auth.seedAdmin", { email: "root@example.com", password: "Usher-of-the-Mesh-1" });
    const created = await Promise.all(Array.from({ length: 5 }, seed));
    expect(created.filter((one) => one.created)).toHaveLength(1);
    const { user } = await auth.login({ email: "root@example.com", password: "Usher-of-the-Mesh-1" });
    expect(user).toMatchObject({ is_verified: true, roles: expect.arrayContaining(["admin", "vendor"]) });
  });
});

describe("registration with an idempotency key", () => {
  test("sent 50 times at once creates one account, whose password works, and gets one response", async () => {
    const before = (await credentials()) ?? 0;
    const params = { email: "keyed@example.com", password: right };
    const key = { key: "register-1", action: "users.create" } as const;
    const send = () => auth.from("192.0.2.1", "auth.register", params, key);
    // A slow machine refuses what would wait too long for its hash. Clients repeat the request.
    const sendUntilAccepted = (): ReturnType<typeof send> =>
      send().catch((error) => (error.type === "overloaded" ? sendUntilAccepted() : Promise.reject(error)));
    const answers = await Promise.all(Array.from({ length: 50 }, sendUntilAccepted));
    expect(new Set(answers.map((one) => one.user?.id)).size).toBe(1);
    expect(await credentials()).toBe(before + 1);
    await auth.login(params);
  });
});

describe("registration whose commit point does not respond", () => {
  const call = (lose: "request" | "reply"): Call => {
    return async (name, params) => {
      if (name === "users.create" && lose === "request") throw new Errors.RequestTimeoutError({ action: name });
      const result = await auth.as("auth", name, params);
      if (name === "users.create") throw new Errors.RequestTimeoutError({ action: name });
      return result;
    };
  };
  const attempt = async (email: string, lose: "request" | "reply") => {
    const { platform } = auth;
    const db = createDatabase(platform, { schema: "auth", entities: authEntities });
    await db.connect();
    const fields = { tenant: "default", email };
    const deps = { ...platform, db, passwords: createConfiguredPasswordHashing(platform) };
    return createAccount(deps, { call: call(lose) }, { password: right, fields }).finally(() => db.close());
  };

  test("succeeds if the account was created, and its password works", async () => {
    const user = await attempt("lost-reply@example.com", "reply");
    expect((await auth.login({ email: "lost-reply@example.com", password: right })).user.id).toBe(user.id);
  });

  test("is a 503 if the account does not exist yet, and keeps the credential, since it may still be created", async () => {
    const before = (await credentials()) ?? 0;
    await expect(attempt("lost-request@example.com", "request")).rejects.toMatchObject({ type: "service_unavailable" });
    expect(await credentials()).toBe(before + 1);
  });
});

describe("registration with PREVENT_USER_ENUMERATION", () => {
  test("gets the same response for a free and a taken address", async () => {
    const hiding = await startAuth({ PREVENT_USER_ENUMERATION: "true" });
    try {
      const params = { email: "ada@example.com", password: right };
      const answers = [
        await hiding.from("192.0.2.1", "auth.register", params),
        await hiding.from("192.0.2.1", "auth.register", params),
      ];
      const registration_binding = expect.stringMatching(/^[\w-]{43}$/);
      expect(answers).toEqual([
        { user: null, registration_binding },
        { user: null, registration_binding },
      ]);
    } finally {
      await hiding.stop();
    }
  });
});

describe("sign-in that requires a verified address", () => {
  test("reveals the requirement only with the correct password", async () => {
    const strict = await startAuth({ REQUIRE_VERIFIED_EMAIL: "true" });
    try {
      const person = await strict.register();
      await expect(strict.login({ ...person, password: "Wrong-horse-7" })).rejects.toMatchObject({
        type: "invalid_credentials",
      });
      await expect(strict.login(person)).rejects.toMatchObject({ type: "email_not_verified" });
      await strict.from("192.0.2.1", "auth.verifyEmail", {
        token: await strict.mailedToken(person.id, "verify_email"),
        password: person.password,
      });
      expect((await strict.login(person)).status).toBe("signed_in");
    } finally {
      await strict.stop();
    }
  });
});
