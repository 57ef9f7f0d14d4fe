import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { newMember, newRole, signInTo, type TestTenant } from "../../support/data/tenants.ts";
import { startWebhooks, type Webhooks } from "../../support/data/webhooks.ts";
import { eventually } from "../../support/eventually.ts";

let webhooks: Webhooks;
let tenant: TestTenant;
let admin: string;
beforeAll(async () => {
  webhooks = await startWebhooks();
  tenant = await webhooks.tenant();
  admin = tenant.admin.access;
});
afterAll(() => webhooks?.stop());

const api = () => webhooks.usermesh.api;
const rows = (sql: string, ...values: string[]) => webhooks.usermesh.database.query(sql, values);

describe("a webhook", () => {
  test("is created, shown, listed, changed and deleted", async () => {
    const { secret, ...created } = await webhooks.create(admin, { event_types: ["user.created"], description: "CRM" });
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(created).toMatchObject({ is_enabled: true, description: "CRM", event_types: ["user.created"] });
    const path = `admin/webhooks/${created.id}`;
    expect((await api().get(path, admin)).body.data).toEqual(created);
    expect((await api().get("admin/webhooks", admin)).body.data).toContainEqual(created);
    const changed = await api().patch(path, { is_enabled: false, event_types: null }, admin);
    expect(changed.body.data).toMatchObject({
      ...{ is_enabled: false, disabled_reason: "administrator", event_types: null, description: "CRM" },
    });
    expect((await api().delete(path, admin)).status).toBe(200);
    expect((await api().get(path, admin)).status).toBe(404);
  });

  test("has a secret that is shown once and stored sealed", async () => {
    const { id, secret } = await webhooks.create(admin);
    const answers = await Promise.all([`admin/webhooks/${id}`, "admin/webhooks"].map((path) => api().get(path, admin)));
    expect(JSON.stringify(answers.map(({ body }) => body))).not.toContain("whsec_");
    const [stored] = await rows("SELECT * FROM webhooks.endpoints WHERE id = $1", id);
    expect(stored).toMatchObject({ secret: expect.stringMatching(/^v1\./) });
    expect(JSON.stringify(stored)).not.toContain(secret);
  });

  test("is created once under an idempotency key, whose stored answer has no secret", async () => {
    const headers = { "idempotency-key": randomUUID() };
    const options = { body: { url: "https://receiver.invalid/keyed" }, token: admin, headers };
    const first = await api().request("POST", "admin/webhooks", options);
    const second = await api().request("POST", "admin/webhooks", options);
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expect(second.body).toEqual(first.body);
    const stored = await rows("SELECT answer FROM webhooks.idempotency WHERE key = $1", headers["idempotency-key"]);
    expect(JSON.stringify(stored)).toContain("receiver.invalid/keyed");
    expect(JSON.stringify(stored)).not.toContain("whsec_");
  });

  test("is not changed by a request that has read an older version", async () => {
    const { id } = await webhooks.create(admin);
    const path = `admin/webhooks/${id}`;
    const etag = (await api().get(path, admin)).headers.get("etag") ?? "";
    await api().patch(path, { description: "newer" }, admin);
    const options = { body: { description: "older" }, token: admin, headers: { "if-match": etag } };
    expect((await api().request("PATCH", path, options)).status).toBe(412);
  });

  test.each([
    ["without a URL", {}],
    ["with another scheme", { url: "ftp://receiver.invalid/" }],
    ["with credentials in the URL", { url: "https://user:pass@receiver.invalid/" }],
    ["with a fragment", { url: "https://receiver.invalid/#x" }],
    ["with an unknown event type", { url: "https://receiver.invalid/", event_types: ["user.flew"] }],
    ["with no event type", { url: "https://receiver.invalid/", event_types: [] }],
    ["with a secret of its own", { url: "https://receiver.invalid/", secret: "whsec_AAAA" }],
    ["for another tenant", { url: "https://receiver.invalid/", tenant_id: randomUUID() }],
  ])("%s is refused", async (_, body) => {
    expect((await api().post("admin/webhooks", body, admin)).status).toBe(422);
  });

  test("is refused beyond twenty per tenant, even if they are created at the same time", async () => {
    const { admin: other } = await webhooks.tenant();
    const body = { url: "https://receiver.invalid/" };
    const answers = await Promise.all(
      Array.from({ length: 23 }, () => api().post("admin/webhooks", body, other.access)),
    );
    const codes = answers.map(({ body: { code } }) => code ?? "created");
    expect(codes.filter((code) => code === "created")).toHaveLength(20);
    expect(codes.filter((code) => code === "webhook_limit_reached")).toHaveLength(3);
  });
});

describe("webhooks:read and webhooks:write", () => {
  const memberWith = async (...permissions: string[]) => {
    const role = `r-${randomUUID().slice(0, 8)}`;
    await newRole(webhooks.usermesh, tenant, role, permissions);
    tenant.admin.access = (await signInTo(webhooks.usermesh, tenant.slug, tenant.admin)).access;
    admin = tenant.admin.access;
    const member = await newMember(webhooks.usermesh, tenant.slug);
    await api().patch(`admin/users/${member.id}`, { roles: [role] }, admin);
    return (await signInTo(webhooks.usermesh, tenant.slug, member)).access;
  };

  test("are required, and webhooks:read allows no change", async () => {
    const { id } = await webhooks.create(admin);
    const { id: delivery } = await webhooks.sendTest(admin, id);
    const [reader, nobody] = [await memberWith("webhooks:read"), await memberWith("users:read")];
    const reads = ["", `/${id}`, `/${id}/deliveries`];
    const writes = [
      ...[`POST `, `PATCH /${id}`, `DELETE /${id}`, `POST /${id}/test`, `POST /${id}/rotate-secret`],
      `POST /${id}/deliveries/${delivery}/redeliver`,
    ];
    for (const path of reads) {
      expect((await api().get(`admin/webhooks${path}`, reader)).status).toBe(200);
      expect((await api().get(`admin/webhooks${path}`, nobody)).status).toBe(403);
    }
    for (const [method = "", path] of writes.map((one) => one.split(" ")))
      expect((await api().request(method, `admin/webhooks${path}`, { token: reader })).status).toBe(403);
  });
});

describe("nothing of another tenant", () => {
  test("is seen or changed", async () => {
    const { id } = await webhooks.create(admin);
    const { id: delivery } = await webhooks.sendTest(admin, id);
    const { admin: other } = await webhooks.tenant();
    const before = await rows("SELECT url, secret, is_enabled FROM webhooks.endpoints WHERE id = $1", id);
    const requests = [
      ...[`GET `, `GET /deliveries`, `PATCH `, `DELETE `, `POST /test`, `POST /rotate-secret`],
      `POST /deliveries/${delivery}/redeliver`,
    ];
    for (const [method = "", path] of requests.map((one) => one.split(" "))) {
      const body = method === "PATCH" ? { is_enabled: false } : undefined;
      const answer = await api().request(method, `admin/webhooks/${id}${path}`, {
        token: other.access,
        ...(body && { body }),
      });
      expect([method, path, answer.status]).toEqual([method, path, 404]);
    }
    expect((await api().get("admin/webhooks", other.access)).body.data).toEqual([]);
    expect(await rows("SELECT url, secret, is_enabled FROM webhooks.endpoints WHERE id = $1", id)).toEqual(before);
    expect(await rows("SELECT id FROM webhooks.deliveries WHERE id = $1", delivery)).toHaveLength(1);
  });

  test("can be sent again through a webhook of one's own", async () => {
    const { id } = await webhooks.create(admin);
    const { id: delivery } = await webhooks.sendTest(admin, id);
    const { admin: other } = await webhooks.tenant();
    const own = await webhooks.create(other.access);
    const path = `admin/webhooks/${own.id}/deliveries/${delivery}/redeliver`;
    expect((await api().post(path, undefined, other.access)).status).toBe(404);
  });
});

test("a test message for a webhook that is being deleted is answered with 404", async () => {
  const { id } = await webhooks.create(admin);
  // Deletes the row at once and commits a second later.
  const slow = "WITH gone AS (DELETE FROM webhooks.endpoints WHERE id = $1 RETURNING id) SELECT pg_sleep(1) FROM gone";
  const deletion = rows(slow, id);
  await eventually("the deletion has begun", async () => {
    const sql = "SELECT FROM pg_stat_activity WHERE query = $1 AND wait_event = 'PgSleep'";
    return (await rows(sql, slow)).length === 1;
  });
  expect((await api().post(`admin/webhooks/${id}/test`, undefined, admin)).status).toBe(404);
  await deletion;
});

test("every change is in the activity log, without the URL", async () => {
  const { admin: boss } = await webhooks.tenant();
  const { id } = await webhooks.create(boss.access, { url: `${webhooks.receiver.url}/a-key-in-the-url` });
  const path = `admin/webhooks/${id}`;
  await api().patch(path, { description: "x" }, boss.access);
  await api().post(`${path}/rotate-secret`, undefined, boss.access);
  const { id: delivery } = await webhooks.sendTest(boss.access, id);
  await api().post(`${path}/deliveries/${delivery}/redeliver`, undefined, boss.access);
  await api().delete(path, boss.access);
  await webhooks.usermesh.settled();
  const { body } = await api().get("admin/activity?action=webhook.changed", boss.access);
  const changes = body.data.map(({ details }: { details: { change: string } }) => details.change);
  expect(changes.toReversed()).toEqual(["created", "updated", "secret_rotated", "tested", "redelivered", "deleted"]);
  expect(body.data.map(({ actor_id }: { actor_id: string }) => actor_id)).toEqual(Array(6).fill(boss.id));
  expect(JSON.stringify(body)).not.toContain("a-key-in-the-url");
});
