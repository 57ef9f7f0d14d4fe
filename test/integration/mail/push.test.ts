import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Caller } from "../../../lib/actions/caller.ts";
import { jobs, type Pushing, startPushing } from "../../support/data/pushes.ts";

let pushing: Pushing;
beforeAll(async () => {
  pushing = await startPushing();
});
afterAll(() => pushing.stop());

const call = (params: object, caller: Caller = jobs) => pushing.usermesh.call("mail.push", params as never, caller);
const request = (user_id: string, more: object = {}) => ({ id: randomUUID(), user_id, title: "A", body: "B", ...more });
const rows = async (sql: string, ...values: string[]) => pushing.usermesh.database.query(sql, values);

describe("a requested push", () => {
  test("is sent with token, name, language and text, and its text is deleted afterwards", async () => {
    const { id: user_id, token, name } = await pushing.person({ preferences: { language: "de-CH" } });
    const id = await pushing.push(user_id, { title: "Hello", body: "Line 1\nLine 2", data: { screen: "inbox" } });
    expect(await pushing.done(id)).toMatchObject({ state: "sent", title: null, body: null, data: null });
    const [received, ...more] = pushing.server.of(id);
    expect(more).toEqual([]);
    expect(received?.headers).toMatchObject({ "idempotency-key": id, authorization: "Bearer between-us" });
    const [job] = await rows(
      "SELECT body #>> '{job,data,correlation_id}' AS id FROM mail.outbox WHERE body #>> '{job,data,id}' = $1",
      id,
    );
    expect(received?.headers["x-correlation-id"]).toBe((job as { id: string }).id);
    expect(received?.body).toEqual({
      ...{ id, push_token: token, title: "Hello", body: "Line 1\nLine 2", data: { screen: "inbox" } },
      user: { id: user_id, name, language: "de-CH" },
    });
  });

  test("is sent once, even if it is requested repeatedly", async () => {
    const { id: user_id } = await pushing.person();
    const params = request(user_id);
    await Promise.all([call(params), call(params), call(params)]);
    await pushing.done(params.id);
    await call({ ...params, title: "Another" });
    expect(await rows("SELECT id FROM mail.outbox WHERE body #>> '{job,data,id}' = $1", params.id)).toHaveLength(1);
    await pushing.done(await pushing.push(user_id));
    expect(pushing.server.of(params.id)).toHaveLength(1);
  });

  test("is sent once, even if its job is delivered again", async () => {
    const id = await pushing.push((await pushing.person()).id);
    await pushing.done(id);
    const worker = { kind: "service", name: "worker-push" } as const;
    expect(await pushing.usermesh.call("mail.sendPush", { id }, worker)).toEqual({ outcome: "already_sent" });
    expect(pushing.server.of(id)).toHaveLength(1);
  });

  test("is sent to the push service one at a time", async () => {
    const { id: user_id } = await pushing.person();
    const ids = await Promise.all(Array.from({ length: 6 }, () => pushing.push(user_id)));
    for (const id of ids) await pushing.done(id);
    expect(pushing.server.mostAtOnce).toBe(1);
  });

  test("leaves neither text nor token in the outbox, the queue or dead letters", async () => {
    const { id: user_id, token } = await pushing.person();
    const id = randomUUID();
    pushing.server.answer(id, 400);
    await pushing.push(user_id, { id, title: "a-secret-title", data: { key: "a-secret-value" } });
    const letter = await pushing.deadLetter(id);
    const outbox = await rows("SELECT body FROM mail.outbox WHERE user_id = $1", user_id);
    expect(outbox.length).toBeGreaterThan(0);
    for (const text of [token, "a-secret-title", "a-secret-value"])
      expect(JSON.stringify([letter, outbox])).not.toContain(text);
  });
});

describe("a push is skipped without a request to the push service", () => {
  test.each([
    ["not_wanted", { preferences: { notification_push: false } }],
    ["no_token", { push_token: undefined }],
  ])("because of %s", async (reason, more) => {
    const id = await pushing.push((await pushing.person(more)).id);
    expect(await pushing.done(id)).toMatchObject({ state: "skipped", reason, title: null, body: null });
    expect(pushing.server.of(id)).toEqual([]);
  });

  test("because the account is deactivated", async () => {
    const { id: user_id } = await pushing.person();
    await rows("UPDATE users.users SET is_active = false WHERE id = $1", user_id);
    const id = await pushing.push(user_id);
    expect(await pushing.done(id)).toMatchObject({ state: "skipped", reason: "inactive" });
    expect(pushing.server.of(id)).toEqual([]);
  });
});

describe("a push token the push service does not accept", () => {
  const kept = async (userId: string) =>
    (await rows("SELECT push_token FROM users.users WHERE id = $1", userId))[0] as { push_token: string | null };

  test("is deleted after a 410", async () => {
    const { id: user_id } = await pushing.person();
    const id = randomUUID();
    pushing.server.answer(id, 410);
    await pushing.push(user_id, { id });
    expect(await pushing.done(id)).toMatchObject({ state: "skipped", reason: "token_gone" });
    expect(await kept(user_id)).toEqual({ push_token: null });
    const operator = { kind: "operator", name: "test" } as const;
    expect(await pushing.usermesh.call("users.get", { id: user_id }, operator)).toMatchObject({
      has_push_token: false,
    });
  });

  test("is kept after a 404, which a wrong PUSH_URL would return too", async () => {
    const { id: user_id, token } = await pushing.person();
    const id = randomUUID();
    pushing.server.answer(id, 404);
    await pushing.push(user_id, { id });
    expect(await pushing.done(id)).toMatchObject({ state: "skipped", reason: "unknown_token" });
    expect(await kept(user_id)).toEqual({ push_token: token });
  });

  test("does not cost its owner a newer token", async () => {
    const { id, token } = await pushing.person();
    const mail = { kind: "service", name: "mail" } as const;
    await pushing.usermesh.call("users.removePushToken", { id, push_token: "an-older-one" }, mail);
    expect(await kept(id)).toEqual({ push_token: token });
  });
});

describe("mail.push refuses", () => {
  test.each([
    ["an anonymous caller", { kind: "anonymous", tenant: "default" }],
    ["a service without the permission", { kind: "service", name: "others" }],
    ["an unknown service", { kind: "service", name: "worker-nothing" }],
  ] as ReadonlyArray<[string, Caller]>)("for %s", async (_, caller) => {
    const params = request((await pushing.person()).id);
    await expect(call(params, caller)).rejects.toMatchObject({ type: "forbidden" });
    expect(await pushing.row(params.id)).toBeUndefined();
  });

  test("an unknown user: 404", async () => {
    const params = request(randomUUID());
    await expect(call(params)).rejects.toMatchObject({ type: "not_found", status: 404 });
    expect(await pushing.row(params.id)).toBeUndefined();
  });

  test.each([
    ["without a title", { title: "" }],
    ["with a body that is too long", { body: "x".repeat(2_001) }],
    ["with control characters", { title: "a\u0000b" }],
    ["with too much data", { data: Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`k${n}`, "v"])) }],
    ["with data that is not text", { data: { n: 1 } }],
    ["with an invalid id", { id: "1" }],
  ])("a push %s: 422", async (_, more) => {
    const { id: user_id } = await pushing.person();
    await expect(call(request(user_id, more))).rejects.toMatchObject({ type: "validation_failed" });
    expect(await rows("SELECT id FROM mail.pushes WHERE user_id = $1", user_id)).toEqual([]);
  });

  test("an erased user's pushes are deleted, and later ones skipped", async () => {
    const { id: user_id } = await pushing.person();
    await pushing.done(await pushing.push(user_id));
    const users = { kind: "service", name: "users" } as const;
    const receipt = await pushing.usermesh.call("mail.erase", { user_id, erasure_id: randomUUID() }, users);
    expect(receipt).toMatchObject({ pushes: 1 });
    const id = await pushing.push(user_id);
    expect(await rows("SELECT id FROM mail.pushes WHERE user_id = $1", user_id)).toEqual([]);
    expect(await rows("SELECT id FROM mail.outbox WHERE user_id = $1", user_id)).toEqual([]);
    expect(pushing.server.of(id)).toEqual([]);
  });
});
