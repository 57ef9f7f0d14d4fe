import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { Webhook } from "standardwebhooks";
import type { MeshEvent } from "../../../lib/events/events.ts";
import { newMember, type TestTenant } from "../../support/data/tenants.ts";
import { startWebhooks, type Webhooks } from "../../support/data/webhooks.ts";
import { eventually } from "../../support/eventually.ts";
import type { ReceivedWebhook } from "../../support/fakes/webhook-receiver.ts";

let webhooks: Webhooks;
let tenant: TestTenant;
let token: string;
beforeAll(async () => {
  webhooks = await startWebhooks();
});
afterAll(() => webhooks?.stop());
afterEach(() => webhooks.receiver.behave(204));

/** Each test has a tenant of its own, so that it receives nothing of the others. */
const inNewTenant = async () => {
  tenant = await webhooks.tenant();
  token = tenant.admin.access;
};
const rows = <Row>(sql: string, ...values: string[]) => webhooks.usermesh.database.query<Row>(sql, values);
const sentTo = (path: string) => webhooks.receiver.received.filter((one) => one.path === path);
const idOf = ({ headers }: ReceivedWebhook) => headers["webhook-id"];
const createAt = (path: string, more: object = {}) =>
  webhooks.create(token, { url: webhooks.receiver.url + path, ...more });
const newPath = () => `/${randomUUID()}`;

const eventAt = (time: Date): MeshEvent => ({
  ...{ event_id: randomUUID(), event_type: "user.verified", source: "users", version: 7, schema_version: 1 },
  ...{ user_id: randomUUID(), tenant_id: tenant.id, correlation_id: "c", timestamp: time.toISOString() },
});

describe("an event", () => {
  test("is sent with a signature that the library of the standard verifies, and without private fields", async () => {
    await inNewTenant();
    const path = newPath();
    const { secret, id } = await createAt(path, { event_types: ["user.created", "session.created"] });
    const member = await newMember(webhooks.usermesh, tenant.slug);
    await eventually("both messages", () => sentTo(path).length === 2);
    for (const { headers, text } of sentTo(path))
      expect(new Webhook(secret).verify(text, headers as Record<string, string>)).toEqual(JSON.parse(text));
    const created = sentTo(path).find(({ body }) => body.type === "user.created");
    expect(created?.headers).toMatchObject({ "content-type": "application/json", "user-agent": "usermesh" });
    expect(created?.body).toEqual({
      type: "user.created",
      timestamp: expect.any(String),
      data: expect.objectContaining({ user_id: member.id, tenant_id: tenant.id }),
    });
    for (const text of [member.email, `Name ${member.email}`, "127.0.0.1"])
      expect(JSON.stringify(sentTo(path).map(({ body }) => body))).not.toContain(text);
    await eventually("both are recorded", async () => {
      return (await webhooks.deliveries(token, id, "?state=delivered")).length === 2;
    });
  });

  test("is sent to every webhook that wants its type, and to no webhook of another tenant", async () => {
    await inNewTenant();
    const foreign = newPath();
    await createAt(foreign);
    await inNewTenant();
    const [wanting, all, others, off] = [newPath(), newPath(), newPath(), newPath()];
    await createAt(wanting, { event_types: ["user.created"] });
    await createAt(all);
    await createAt(others, { event_types: ["user.erased"] });
    const { id } = await createAt(off);
    await webhooks.usermesh.api.patch(`admin/webhooks/${id}`, { is_enabled: false }, token);
    const { id: user_id } = await newMember(webhooks.usermesh, tenant.slug);
    const about = (path: string) => sentTo(path).filter(({ body }) => body.data.user_id === user_id);
    await eventually("the messages", () => about(wanting).length === 1 && about(all).length >= 2);
    await webhooks.usermesh.settled();
    expect([about(others), about(off), about(foreign)]).toEqual([[], [], []]);
  });

  test("is recorded once with one job, even if it is published again", async () => {
    await inNewTenant();
    const { id } = await createAt(newPath());
    const event = eventAt(new Date());
    await Promise.all([1, 2, 3].map(() => webhooks.usermesh.publish(event)));
    await webhooks.usermesh.publish({ ...event, replay: randomUUID() } as MeshEvent);
    const jobs = await rows(
      `SELECT FROM webhooks.outbox o JOIN webhooks.deliveries d ON o.body #>> '{job,data,id}' = d.id::text
       WHERE d.message_id = $1`,
      event.event_id,
    );
    expect(jobs).toHaveLength(1);
    expect(await rows("SELECT FROM webhooks.deliveries WHERE message_id = $1", event.event_id)).toHaveLength(1);
    await webhooks.delivery(token, id, "delivered");
  });

  test("from before the creation of the webhook is not sent", async () => {
    await inNewTenant();
    const { id } = await createAt(newPath());
    await webhooks.usermesh.publish(eventAt(new Date(Date.now() - 3_600_000)));
    expect(await webhooks.deliveries(token, id)).toEqual([]);
  });
});

describe("a message that the receiver does not accept", () => {
  test("is repeated with the same id and a new time, and its webhook is no longer failing once it is accepted", async () => {
    await inNewTenant();
    const path = newPath();
    webhooks.receiver.behave(500);
    const { id, secret } = await createAt(path, { event_types: ["user.created"] });
    await newMember(webhooks.usermesh, tenant.slug);
    await eventually("the first attempt", async () => {
      const [first] = await webhooks.deliveries(token, id);
      return first?.attempts === 1 && first.state === "pending" && first.error === "http_500";
    });
    const shown = await webhooks.usermesh.api.get(`admin/webhooks/${id}`, token);
    expect(shown.body.data.failing_since).not.toBeNull();
    webhooks.receiver.behave(200);
    expect(await webhooks.delivery(token, id, "delivered")).toMatchObject({
      attempts: 2,
      status_code: 200,
      error: null,
    });
    expect(new Set(sentTo(path).map(idOf)).size).toBe(1);
    const [, second] = sentTo(path);
    expect(() =>
      new Webhook(secret).verify(second?.text ?? "", second?.headers as Record<string, string>),
    ).not.toThrow();
    const recovered = await webhooks.usermesh.api.get(`admin/webhooks/${id}`, token);
    expect(recovered.body.data.failing_since).toBeNull();
  });

  test.each([
    ["redirects", 302, "http_302"],
    ["refuses", 403, "http_403"],
    ["hangs up", "hangs up", "ECONNRESET"],
    ["does not answer for ten seconds", "hangs", "timeout"],
  ] as const)("has failed if the receiver %s", async (_, behaviour, error) => {
    await inNewTenant();
    const path = newPath();
    webhooks.receiver.behave(behaviour);
    const { id } = await createAt(path, { event_types: ["user.erased"] });
    await webhooks.sendTest(token, id);
    const delivery = await webhooks.delivery(token, id, "failed");
    expect(delivery).toMatchObject({ error, attempts: 1 });
    expect(delivery.duration_ms).toBeLessThan(13_000);
    expect(sentTo(path)).toHaveLength(1);
    expect(sentTo("/elsewhere")).toEqual([]);
  });

  test("is not sent while its webhook is failing, except one at a time", async () => {
    await inNewTenant();
    const path = newPath();
    const { id } = await createAt(path, { event_types: ["user.erased"] });
    await rows(
      "UPDATE webhooks.endpoints SET failing_since = now(), retry_at = now() + interval '1 hour' WHERE id = $1",
      id,
    );
    const sent = await Promise.all(Array.from({ length: 3 }, () => webhooks.sendTest(token, id)));
    // A test is sent in any case; as another message it must wait.
    const delivered = "SELECT 1 FROM webhooks.deliveries WHERE endpoint_id = $1 AND state = 'delivered'";
    await eventually("the tests", async () => (await rows(delivered, id)).length === sent.length);
    await rows(
      "UPDATE webhooks.deliveries SET event_type = 'user.created', state = 'pending' WHERE endpoint_id = $1",
      id,
    );
    await rows("UPDATE webhooks.endpoints SET failing_since = now(), retry_at = now() WHERE id = $1", id);
    webhooks.receiver.behave("hangs");
    const outcomes = await Promise.all(sent.map(({ id: one }) => deliver(one)));
    expect(sentTo(path)).toHaveLength(sent.length + 1);
    expect(outcomes.map(({ error }) => error).toSorted()).toEqual(["endpoint_failing", "endpoint_failing", "timeout"]);
  });

  test("that is postponed does not keep the messages of its failing webhook waiting", async () => {
    await inNewTenant();
    const slowPath = newPath();
    const slow = await createAt(slowPath, { event_types: ["user.erased"] });
    const failing = await createAt(newPath(), { event_types: ["user.erased"] });
    const { id } = await webhooks.sendTest(token, failing.id);
    await webhooks.delivery(token, failing.id, "delivered");
    await rows("UPDATE webhooks.deliveries SET event_type = 'user.created', state = 'pending' WHERE id = $1", id);
    await rows("UPDATE webhooks.endpoints SET failing_since = now(), retry_at = now() WHERE id = $1", failing.id);
    const answered = Promise.withResolvers<void>();
    webhooks.receiver.behave((response) => void answered.promise.then(() => response.writeHead(204).end()));
    // As many as a tenant may have at once: see services/webhooks/deliveries/tenant-share.ts.
    for (let n = 0; n < 5; n += 1) await webhooks.sendTest(token, slow.id);
    await eventually("five requests", () => sentTo(slowPath).length === 5);
    const outcomes = [(await deliver(id)).outcome];
    answered.resolve();
    await eventually(
      "its turn",
      async () => outcomes.push((await deliver(id)).outcome) && outcomes.at(-1) !== "postponed",
    );
    expect([...new Set(outcomes)]).toEqual(["postponed", "delivered"]);
  });
});

/** As the worker calls it. */
const deliver = async (id: string, is_last_attempt = false) => {
  const [row] = await rows<{ run_id: string }>("SELECT run_id FROM webhooks.deliveries WHERE id = $1", id);
  const params = { id, run_id: row?.run_id ?? "", is_last_attempt };
  return webhooks.usermesh.as("worker-webhooks", "webhooks.deliver", params);
};

test("a message that has used all its attempts is a dead letter, and is delivered when that is retried", async () => {
  await inNewTenant();
  webhooks.receiver.behave(500);
  const { id } = await createAt(newPath(), { event_types: ["user.created"] });
  await newMember(webhooks.usermesh, tenant.slug);
  const first = await eventually("the first attempt", async () => {
    const [newest] = await webhooks.deliveries(token, id);
    return newest?.attempts === 1 && newest;
  });
  // As if the day were over: the next attempt is the last one.
  await rows(
    `UPDATE jobs.job SET max_attempts = 2, opts = opts || '{"attempts": 2}' WHERE data ->> 'id' = $1`,
    first.id,
  );
  const letter = await eventually("the dead letter", async () => {
    const { body } = await webhooks.usermesh.api.get("admin/queues/webhooks/failed", webhooks.vendor);
    return body.data.find((one: { data: { id: string } }) => one.data.id === first.id);
  });
  expect(letter).toMatchObject({ attempts: 2, reason: "http_500" });
  expect(await webhooks.delivery(token, id, "failed")).toMatchObject({ attempts: 2 });
  webhooks.receiver.behave(204);
  const retried = { id: letter.id };
  await webhooks.usermesh.api.post("admin/queues/webhooks/retry", retried, webhooks.vendor);
  expect(await webhooks.delivery(token, id, "delivered")).toMatchObject({ attempts: 3 });
});

test("a response that never ends counts by its status, and only its beginning is read", async () => {
  await inNewTenant();
  webhooks.receiver.behave("answers without end");
  const { id } = await createAt(newPath());
  await webhooks.sendTest(token, id);
  const { duration_ms, status_code } = await webhooks.delivery(token, id, "delivered");
  expect(status_code).toBe(200);
  expect(duration_ms).toBeLessThan(5_000);
});

describe("a redelivery", () => {
  test("sends a delivered message again under its id", async () => {
    await inNewTenant();
    const path = newPath();
    const { id } = await createAt(path);
    const sent = await webhooks.sendTest(token, id);
    await webhooks.delivery(token, id, "delivered");
    const again = `admin/webhooks/${id}/deliveries/${sent.id}/redeliver`;
    const { status, body } = await webhooks.usermesh.api.post(again, undefined, token);
    expect({ status, state: body.data.state }).toEqual({ status: 202, state: "pending" });
    await eventually("the second one", () => sentTo(path).length === 2);
    expect(sentTo(path).map(idOf)).toEqual([sent.message_id, sent.message_id]);
    expect(await webhooks.delivery(token, id, "delivered")).toMatchObject({ id: sent.id, attempts: 2 });
  });

  test("replaces the job that was waiting to repeat the message", async () => {
    await inNewTenant();
    const path = newPath();
    webhooks.receiver.behave(503);
    const { id } = await createAt(path, { event_types: ["user.created"] });
    await newMember(webhooks.usermesh, tenant.slug);
    const first = await eventually("the first attempt", async () => {
      const [newest] = await webhooks.deliveries(token, id);
      return newest?.attempts === 1 && newest;
    });
    const [row] = await rows<{ run_id: string }>("SELECT run_id FROM webhooks.deliveries WHERE id = $1", first.id);
    await webhooks.usermesh.api.post(`admin/webhooks/${id}/deliveries/${first.id}/redeliver`, undefined, token);
    const former = { id: first.id, run_id: row?.run_id ?? "", is_last_attempt: false };
    const outcome = await webhooks.usermesh.as("worker-webhooks", "webhooks.deliver", former);
    expect(outcome).toEqual({ outcome: "skipped", error: null });
    webhooks.receiver.behave(200);
    await webhooks.delivery(token, id, "delivered");
  });

  test("of a disabled webhook is refused, and what was waiting is not sent", async () => {
    await inNewTenant();
    const { id } = await createAt(newPath());
    const sent = await webhooks.sendTest(token, id);
    await webhooks.delivery(token, id, "delivered");
    await webhooks.usermesh.api.patch(`admin/webhooks/${id}`, { is_enabled: false }, token);
    for (const path of [`deliveries/${sent.id}/redeliver`, "test"]) {
      const { status, body } = await webhooks.usermesh.api.post(`admin/webhooks/${id}/${path}`, undefined, token);
      expect([status, body.code]).toEqual([409, "webhook_disabled"]);
    }
    await rows("UPDATE webhooks.deliveries SET state = 'pending' WHERE id = $1", sent.id);
    expect(await deliver(sent.id)).toEqual({ outcome: "skipped", error: null });
    expect(await webhooks.delivery(token, id, "failed")).toMatchObject({ error: "webhook_disabled", attempts: 1 });
  });
});

describe("a rotated secret", () => {
  test("signs for a day together with the new one", async () => {
    await inNewTenant();
    const path = newPath();
    const { id, secret: old } = await createAt(path);
    const sealed = async () => (await webhooks.usermesh.as("admin", "webhooks.keyUsage", {})).usage[0]?.rows ?? 0;
    const sealedBefore = await sealed();
    const { body } = await webhooks.usermesh.api.post(`admin/webhooks/${id}/rotate-secret`, undefined, token);
    expect(await sealed()).toBe(sealedBefore + 1);
    const { secret, previous_secret_until } = body.data;
    expect(secret).not.toBe(old);
    expect(Date.parse(previous_secret_until) - Date.now()).toBeGreaterThan(23 * 3_600_000);
    await webhooks.sendTest(token, id);
    await eventually("the test", () => sentTo(path).length === 1);
    const [{ text, headers }] = sentTo(path) as [ReceivedWebhook];
    for (const one of [secret, old]) new Webhook(one).verify(text, headers as Record<string, string>);
    await rows("UPDATE webhooks.endpoints SET previous_secret_until = now() WHERE id = $1", id);
    await webhooks.sendTest(token, id);
    await eventually("the second test", () => sentTo(path).length === 2);
    const second = sentTo(path)[1] as ReceivedWebhook;
    expect(() => new Webhook(old).verify(second.text, second.headers as Record<string, string>)).toThrow();
    await webhooks.usermesh.as("worker-maintenance", "webhooks.sweep", {});
    const stored = await rows("SELECT previous_secret FROM webhooks.endpoints WHERE id = $1", id);
    expect(stored).toEqual([{ previous_secret: null }]);
  });
});

describe("a webhook is disabled, with an entry in the activity log,", () => {
  const entry = async () => {
    const { body } = await webhooks.usermesh.api.get("admin/activity?action=webhook.disabled", token);
    return body.data.map(({ details }: { details: object }) => details);
  };
  const shown = async (id: string) => (await webhooks.usermesh.api.get(`admin/webhooks/${id}`, token)).body.data;

  test("when it answers 410", async () => {
    await inNewTenant();
    webhooks.receiver.behave(410);
    const { id } = await createAt(newPath());
    await webhooks.sendTest(token, id);
    await eventually("it is disabled", async () => (await shown(id)).disabled_reason === "gone");
    expect(await entry()).toEqual([expect.objectContaining({ webhook_id: id, reason: "gone" })]);
  });

  test("when it has failed for five days without a success, and starts over when it is enabled", async () => {
    await inNewTenant();
    webhooks.receiver.behave(500);
    const { id } = await createAt(newPath());
    await rows("UPDATE webhooks.endpoints SET failing_since = now() - interval '6 days' WHERE id = $1", id);
    await webhooks.sendTest(token, id);
    await eventually("it is disabled", async () => (await shown(id)).disabled_reason === "failing");
    expect(await entry()).toEqual([expect.objectContaining({ webhook_id: id, reason: "failing" })]);
    await webhooks.usermesh.api.patch(`admin/webhooks/${id}`, { is_enabled: true }, token);
    expect(await shown(id)).toMatchObject({ is_enabled: true, disabled_reason: null, failing_since: null });
  });
});

describe("what is stored", () => {
  test("is erased with the user it is about, and the report of the erasure is sent afterwards", async () => {
    await inNewTenant();
    const path = newPath();
    await createAt(path);
    const member = await newMember(webhooks.usermesh, tenant.slug);
    await eventually("its messages", () => sentTo(path).some(({ body }) => body.type === "user.created"));
    const { body } = await webhooks.usermesh.api.request("DELETE", `admin/users/${member.id}`, {
      body: { erase: true },
      token,
    });
    expect(body.success).toBe(true);
    await eventually("the report", () => sentTo(path).some(({ body: { type } }) => type === "user.erased"));
    expect(await rows("SELECT FROM webhooks.deliveries WHERE user_id = $1", member.id)).toEqual([]);
    const left = await rows("SELECT event_type FROM webhooks.deliveries WHERE payload LIKE $1", `%${member.id}%`);
    expect(left).toEqual([{ event_type: "user.erased" }]);
  });

  test("is deleted with the tenant, and nothing can be created for it any more", async () => {
    await inNewTenant();
    const { id } = await createAt(newPath());
    await webhooks.sendTest(token, id);
    const { usermesh, vendor } = webhooks;
    const deleted = await usermesh.api.request("DELETE", `admin/tenants/${tenant.id}`, {
      body: { erase: true },
      token: vendor,
    });
    expect(deleted.status).toBe(200);
    await eventually("the tenant is gone", async () => {
      return (await usermesh.api.get(`admin/tenants/${tenant.id}`, vendor)).status === 404;
    });
    for (const table of ["endpoints", "deliveries"])
      expect(await rows(`SELECT FROM webhooks.${table} WHERE tenant_id = $1`, tenant.id)).toEqual([]);
    const caller = { kind: "user", user_id: randomUUID(), tenant_id: tenant.id, home_tenant_id: tenant.id } as const;
    const full = { ...caller, session_id: randomUUID(), roles: [], permissions: ["webhooks:write"] } as const;
    const creation = usermesh.call(
      "webhooks.create",
      { url: "https://receiver.invalid/" },
      { ...full, tier: "basic", auth_time: 0, expires_at: Date.now() + 60_000 },
    );
    await expect(creation).rejects.toMatchObject({ type: "tenant_erased" });
  });
});
