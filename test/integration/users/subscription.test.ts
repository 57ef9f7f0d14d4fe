import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "../../support/eventually.ts";
import { newPerson, register, signIn } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

let usermesh: Usermesh;
beforeAll(async () => {
  usermesh = await startUsermesh();
});
afterAll(() => usermesh.stop());

async function someone() {
  const person = await register(usermesh, newPerson());
  return { ...person, ...(await signIn(usermesh, person)) };
}

const api = () => usermesh.api;
const refresh = async (refresh_token: string) => (await api().post("auth/refresh", { refresh_token })).body.data;
const changes = (id: string) =>
  usermesh.database.query<{ event_id: string; tier: string }>(
    "SELECT event_id, body->>'tier' AS tier FROM users.outbox WHERE user_id = $1 AND body->>'event_type' = 'subscription.changed' ORDER BY id",
    [id],
  );

describe("a subscription", () => {
  test("can't last longer than until the year 9999, which the answer says", async () => {
    const { access } = await someone();
    const { status, body } = await api().post(
      "users/me/upgrade",
      { expires_at: "+010000-01-01T00:00:00.000Z" },
      access,
    );
    expect([status, body.errors]).toMatchObject([
      422,
      [{ field: "expires_at", message: expect.stringMatching(/9999/) }],
    ]);
  });

  test("applies when it is answered: the old token is stale, the refreshed one has the tier", async () => {
    const person = await someone();
    const { status, body } = await api().post("users/me/upgrade", { plan: "gold" }, person.access);
    expect([status, body.data]).toEqual([200, { tier: "premium", plan: "gold", expires_at: null }]);
    expect(await api().get("users/search", person.access)).toBeProblem(401, "token_stale");
    const next = await refresh(person.refresh);
    expect((await api().get("users/search", next.access_token)).status).toBe(200);
    expect((await api().get("users/me", next.access_token)).body.data.subscription).toEqual(body.data);
  });

  test("ends when the downgrade is answered", async () => {
    const person = await someone();
    await api().post("users/me/upgrade", {}, person.access);
    const premium = await refresh(person.refresh);
    const { body } = await api().post("users/me/downgrade", undefined, premium.access_token);
    expect(body.data).toEqual({ tier: "basic", plan: null, expires_at: null });
    expect(await api().get("users/search", premium.access_token)).toBeProblem(401, "token_stale");
    const basic = await refresh(premium.refresh_token);
    expect(await api().get("users/search", basic.access_token)).toBeProblem(402, "premium_required");
  });

  test("invalidates tokens once: those refreshed before its event arrives stay valid", async () => {
    const person = await someone();
    await api().post("users/me/upgrade", {}, person.access);
    const next = await refresh(person.refresh);
    const [event] = await changes(person.id);
    const consumed = "SELECT 1 FROM sessions.inbox WHERE event_id = $1";
    await eventually(
      "the event consumed",
      async () => (await usermesh.database.query(consumed, [event?.event_id])).length > 0,
    );
    await usermesh.settled();
    expect((await api().get("users/me", next.access_token)).status).toBe(200);
  });

  test("records no event when repeated unchanged", async () => {
    const person = await someone();
    await api().post("users/me/upgrade", { plan: "gold" }, person.access);
    const next = await refresh(person.refresh);
    expect((await api().post("users/me/upgrade", { plan: "gold" }, next.access_token)).status).toBe(200);
    expect(await changes(person.id)).toHaveLength(1);
    expect((await api().get("users/me", next.access_token)).status).toBe(200);
  });

  test("expires: the tier is computed on read, and the job records the event once", async () => {
    const person = await someone();
    const expires_at = new Date(Date.now() + 1_500).toISOString();
    await api().post("users/me/upgrade", { expires_at }, person.access);
    const premium = await refresh(person.refresh);
    expect(premium.expires_in).toBeLessThanOrEqual(2);
    const over = await eventually("the token to end", async () => {
      const { body } = await api().get("users/me", premium.access_token);
      return body.code;
    });
    expect(over).toBe("token_expired");
    // A token counts in whole seconds: it ends a little before what it was made for.
    await eventually("the end itself", () => Date.now() > Date.parse(expires_at));
    const basic = await refresh(premium.refresh_token);
    expect(await api().get("users/search", basic.access_token)).toBeProblem(402, "premium_required");
    expect((await api().get("users/me", basic.access_token)).body.data.subscription.tier).toBe("basic");
    const asWorker = { kind: "service", name: "worker-maintenance" } as const;
    const run = () => usermesh.call("users.expireSubscriptions", {}, asWorker);
    await Promise.all([run(), run(), run()]);
    expect((await changes(person.id)).map((one) => one.tier)).toEqual(["premium", "basic"]);
  });

  test("that ends in the past is refused", async () => {
    const { access } = await someone();
    const { status, body } = await api().post("users/me/upgrade", { expires_at: "2020-01-01T00:00:00Z" }, access);
    expect([status, body.errors[0]]).toEqual([
      422,
      expect.objectContaining({ field: "expires_at", code: "in_the_past" }),
    ]);
  });
});
