import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Caller } from "../../../lib/actions/caller.ts";
import { emailKey } from "../../../lib/runtime/text-keys.ts";
import { type AuthServices, outcomes, startAuth, userCaller } from "../../support/start/auth-services.ts";

let auth: AuthServices;
beforeAll(async () => {
  auth = await startAuth();
});
afterAll(() => auth?.stop());

const verify = (token: string, holder: Caller) => auth.call("auth.verifyEmail", { token }, holder);
const invalid = { type: "one_time_token_invalid", status: 400 };

async function personWithToken() {
  const person = await auth.register();
  const holder = userCaller(await auth.login(person));
  return { person, holder, token: await auth.mailedToken(person.id, "verify_email") };
}

describe("a verification link", () => {
  test("verifies the address once", async () => {
    const { person, holder, token } = await personWithToken();
    expect((await verify(token, holder)).user).toMatchObject({ id: person.id, is_verified: true });
    await expect(verify(token, holder)).rejects.toMatchObject(invalid);
  });

  test("used 50 times at once succeeds once and appends one event", async () => {
    const { person, holder, token } = await personWithToken();
    expect(await outcomes(Array.from({ length: 50 }, () => verify(token, holder)))).toEqual({
      done: 1,
      one_time_token_invalid: 49,
    });
    const events = await auth.database.query(
      "SELECT 1 FROM users.outbox WHERE user_id = $1 AND body->>'event_type' = 'user.verified'",
      [person.id],
    );
    expect(events).toHaveLength(1);
  });

  test("is completed by the next use if auth crashed after users had committed", async () => {
    const { person, holder, token } = await personWithToken();
    const [oneTimeToken] = await auth.oneTimeTokens(person.id, "verify_email");
    const committed = {
      user_id: person.id,
      email_key: emailKey(person.email),
      token_id: oneTimeToken?.id ?? "",
      event_id: crypto.randomUUID(),
    };
    await auth.as("auth", "users.confirmEmail", committed);
    expect(await outcomes(Array.from({ length: 10 }, () => verify(token, holder)))).toEqual({
      done: 1,
      one_time_token_invalid: 9,
    });
  });

  test("repeated with the same idempotency key gets the first response again", async () => {
    const { person, token } = await personWithToken();
    const body = { token, password: person.password };
    const keyed = () => auth.from("192.0.2.1", "auth.verifyEmail", body, { key: `key-${token}` });
    expect(await keyed()).toEqual(await keyed());
  });

  test("is superseded by a newer one", async () => {
    const { person, holder, token } = await personWithToken();
    await auth.from("192.0.2.1", "auth.requestVerification", { email: person.email });
    await expect(verify(token, holder)).rejects.toMatchObject(invalid);
    await verify(await auth.mailedToken(person.id, "verify_email"), holder);
  });

  test("can be requested by a signed-in user without an address", async () => {
    const { person } = await personWithToken();
    await auth.call("auth.requestVerification", {}, userCaller(await auth.login(person)));
    expect(await auth.oneTimeTokens(person.id, "verify_email")).toHaveLength(2);
  });

  test("is not mailed any more once the address is verified", async () => {
    const { person, holder, token } = await personWithToken();
    const [oneTimeToken] = await auth.oneTimeTokens(person.id, "verify_email");
    await verify(token, holder);
    expect(await auth.as("mail", "auth.deriveMailToken", { token_id: oneTimeToken?.id ?? "" })).toBeNull();
  });

  test("is the same in each retry of the mail", async () => {
    const { person, token } = await personWithToken();
    expect(await auth.mailedToken(person.id, "verify_email")).toBe(token);
  });
});
