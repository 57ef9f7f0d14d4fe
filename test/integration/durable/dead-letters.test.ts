import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import pino from "pino";
import { startRedis } from "../../../scripts/local-servers/redis.ts";
import { newMember, refreshed, vendorOf, verdict } from "../../support/data/tenants.ts";
import { eventually } from "../../support/eventually.ts";
import { type RefusingSmtp, startRefusingSmtp } from "../../support/fakes/refusing-smtp.ts";
import { newPerson, register } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

describe.each([{ store: "PostgreSQL" }, { store: "Redis" }])("permanently rejected mails, on $store", ({ store }) => {
  let mesh: Usermesh;
  let smtp: RefusingSmtp;
  let vendor: string;
  const parts = new AsyncDisposableStack();

  beforeAll(async () => {
    smtp = await startRefusingSmtp();
    parts.defer(smtp.stop);
    const redis = store === "Redis" ? await ownRedis() : {};
    mesh = await startUsermesh({ ...smtp.env, ...redis });
    parts.defer(mesh.stop);
    vendor = await vendorOf(mesh);
  });
  afterAll(() => parts.disposeAsync());

  async function ownRedis() {
    const dir = await mkdtemp(join(tmpdir(), "usermesh-redis-"));
    parts.defer(() => rm(dir, { recursive: true, force: true }));
    const redis = await startRedis({ dir, log: pino({ level: "silent" }) });
    parts.defer(redis.stop);
    return { REDIS_URL: redis.url };
  }

  const api = () => mesh.api;
  const failed = () => api().get("admin/queues/mail/failed", vendor);
  const retry = (body: object) => api().post("admin/queues/mail/retry", body, vendor);

  /** A registration whose mail was rejected, and its dead letter. */
  async function refusedPerson() {
    const person = await register(mesh);
    const letter = await eventually("its dead letter", async () =>
      (await failed()).body.data.find((one: { data: { user_id: string } }) => one.data.user_id === person.id),
    );
    return { person, letter };
  }

  beforeEach(async () => {
    smtp.refuses = true;
    for (const { id } of (await failed()).body.data) await api().delete(`admin/queues/mail/failed/${id}`, vendor);
  });

  test("a mail that makes the server hang up uses attempts of its own, and the others are sent", async () => {
    smtp.refuses = false;
    await register(mesh, newPerson("hangup"));
    // Its attempts have a growing delay. A paused queue would wait with all jobs and count no attempt.
    await eventually("its second attempt", async () => (await mesh.platform.queues.counts("mail")).delayed === 1);
    const other = await register(mesh);
    await eventually("the other mail", () => smtp.taken.includes(other.email));
    expect((await mesh.platform.queues.counts("mail")).delayed).toBe(1);
  });

  test("become dead letters with ids and a reason, but no address", async () => {
    const { person, letter } = await refusedPerson();
    expect(letter).toMatchObject({ name: "verify_email", attempts: 1, reason: expect.stringMatching(/\w/) });
    const { body } = await failed();
    expect(body.meta.total).toBe(1);
    expect(JSON.stringify(body)).not.toContain(person.email);
    const queues = (await api().get("admin/queues", vendor)).body.data;
    expect(queues.find((one: { name: string }) => one.name === "mail").counts.failed).toBe(1);
  });

  test("are sent when an operator retries one and the server accepts it", async () => {
    const { person, letter } = await refusedPerson();
    smtp.refuses = false;
    expect((await retry({ id: letter.id })).body.data).toEqual({ retried: 1 });
    await eventually("the mail", () => smtp.taken.includes(person.email));
    expect((await failed()).body.data).toEqual([]);
    expect(verdict(await retry({ id: letter.id }))).toBe("404 not_found");
  });

  test("are all sent when an operator retries all", async () => {
    const people = [await refusedPerson(), await refusedPerson(), await refusedPerson()];
    smtp.refuses = false;
    expect((await retry({})).body.data).toEqual({ retried: 3 });
    await eventually("the mails", () => people.every(({ person }) => smtp.taken.includes(person.email)));
    expect((await failed()).body.meta.total).toBe(0);
  });

  test("become dead letters again if the server still rejects them", async () => {
    const { letter } = await refusedPerson();
    expect((await retry({ id: letter.id })).body.data).toEqual({ retried: 1 });
    await eventually("it is back", async () => (await failed()).body.data[0]?.failed_at > letter.failed_at);
  });

  test("are never sent once they are deleted", async () => {
    const { person, letter } = await refusedPerson();
    const path = `admin/queues/mail/failed/${letter.id}`;
    expect((await api().delete(path, vendor)).status).toBe(200);
    expect(verdict(await api().delete(path, vendor))).toBe("404 not_found");
    smtp.refuses = false;
    const { body } = await api().get("admin/activity?action=dead_letters.dropped&limit=1", vendor);
    expect(body.data[0]).toMatchObject({ ip: "127.0.0.1", details: { queue: "mail", job: letter.id } });
    expect(body.data[0].actor_id).toBe((await api().get("users/me", vendor)).body.data.id);
    expect((await retry({})).body.data).toEqual({ retried: 0 });
    const other = await register(mesh);
    await eventually("a later mail", () => smtp.taken.includes(other.email));
    expect(smtp.taken).not.toContain(person.email);
  });

  test("are not visible to a tenant's administrator", async () => {
    const user = await newMember(mesh, "default");
    await api().patch(`admin/users/${user.id}`, { roles: ["admin"] }, vendor);
    const admin = await refreshed(mesh, user);
    for (const [method, path] of [
      ["GET", "admin/queues"],
      ["GET", "admin/queues/mail/failed"],
      ["POST", "admin/queues/mail/retry"],
      ["DELETE", "admin/queues/mail/failed/x"],
    ] as const)
      expect(verdict(await api().request(method, path, { token: admin.access }))).toBe("403 forbidden");
  });
});
