import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { servicesWith } from "../../../lib/actions/typed-call.ts";
import { schemas } from "../../../lib/database/database-roles.ts";
import { bytesOf, form, picture } from "../../support/data/avatar-uploads.ts";
import { eventually } from "../../support/eventually.ts";
import { certificateOf, erased, leaveTraces, tablesWith } from "../../support/flows/data-rights.ts";
import { mailTo, newPerson, register, signIn } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

describe("a deleted account", () => {
  let usermesh: Usermesh;
  beforeAll(async () => {
    usermesh = await startUsermesh();
  });
  afterAll(() => usermesh.stop());

  const avatarRows = async () => {
    const sql = "SELECT ((SELECT count(*) FROM users.avatars) + (SELECT count(*) FROM users.avatar_files))::int AS n";
    return (await usermesh.database.query<{ n: number }>(sql))[0]?.n;
  };

  test("every service with tables can export personal data, and every one except users can erase it", () => {
    expect(servicesWith("export").toSorted()).toEqual(schemas.toSorted());
    expect(servicesWith("erase").toSorted()).toEqual(schemas.filter((name) => name !== "users").toSorted());
  });

  test("is signed out at once; deletion requires the password", async () => {
    const person = await register(usermesh);
    const { access } = await signIn(usermesh, person);
    const wrong = await usermesh.api.request("DELETE", "users/me", {
      body: { password: "Wrong-1-wrong" },
      token: access,
    });
    expect(wrong).toBeProblem(401, "invalid_credentials");
    const done = await usermesh.api.request("DELETE", "users/me", {
      body: { password: person.password },
      token: access,
    });
    expect(done.status).toBe(200);
    const days = (Date.parse(done.body.data.erase_at) - Date.now()) / 86_400_000;
    expect(Math.round(days)).toBe(30);
    expect(await usermesh.api.get("users/me", access)).toBeProblem(401, "session_ended");
    const { email, password } = person;
    expect(await usermesh.api.post("auth/login", { email, password })).toBeProblem(403, "account_disabled");
  });

  test("can be restored by an administrator during the grace period", async () => {
    const person = await register(usermesh);
    const { access } = await signIn(usermesh, person);
    expect((await usermesh.api.delete("users/me", access)).status).toBe(200);
    const admin = await signIn(usermesh, usermesh.admin);
    expect((await certificateOf(usermesh, person.id)).state).toBe("scheduled");
    const back = await usermesh.api.put(`admin/users/${person.id}/status`, { is_active: true }, admin.access);
    expect([back.status, back.body.data?.is_active]).toEqual([200, true]);
    await signIn(usermesh, person);
    const erasure = await usermesh.api.get(`admin/users/${person.id}/erasure`, admin.access);
    expect(erasure.status).toBe(404);
  });

  test("can be restored by its owner with the password, but not after an administrator's deletion", async () => {
    const person = await register(usermesh);
    const { email, password } = person;
    const restore = (secret = password) =>
      usermesh.api.post("auth/restore-account", { email: `${email} `, password: secret });
    const remove = async () => usermesh.api.delete("users/me", (await signIn(usermesh, person)).access);
    expect((await remove()).status).toBe(200);
    expect(await restore("Wrong-1-wrong")).toBeProblem(401, "invalid_credentials");
    expect([(await restore()).status, (await restore()).status]).toEqual([200, 200]);
    expect((await remove()).status).toBe(200);
    expect((await restore()).status).toBe(200);
    const admin = await signIn(usermesh, usermesh.admin);
    expect((await remove()).status).toBe(200);
    const again = await usermesh.api.request("DELETE", `admin/users/${person.id}`, { body: {}, token: admin.access });
    expect(again.status).toBe(200);
    expect(await restore()).toBeProblem(403, "account_disabled");
    await usermesh.api.put(`admin/users/${person.id}/status`, { is_active: true }, admin.access);
    await usermesh.api.put(`admin/users/${person.id}/status`, { is_active: false }, admin.access);
    expect(await restore()).toBeProblem(403, "account_disabled");
  });

  test("can't be restored by its owner once the erasure has begun", async () => {
    const person = await register(usermesh);
    const { email, password } = person;
    await usermesh.api.delete("users/me", (await signIn(usermesh, person)).access);
    await usermesh.database.query("UPDATE users.erasures SET tried_at = clock_timestamp() WHERE user_id = $1", [
      person.id,
    ]);
    const restore = () => usermesh.api.post("auth/restore-account", { email, password });
    expect(await restore()).toBeProblem(410, "account_erased");
    await usermesh.database.query("UPDATE users.erasures SET tried_at = NULL WHERE user_id = $1", [person.id]);
    expect((await restore()).status).toBe(200);
  });

  test("is listed only as deleted, until it is restored or erased", async () => {
    const person = await register(usermesh);
    const { access } = await signIn(usermesh, person);
    expect((await usermesh.api.delete("users/me", access)).status).toBe(200);
    const admin = await signIn(usermesh, usermesh.admin);
    const search = `admin/users?search=${encodeURIComponent(person.email)}`;
    const listed = async (status: string) => (await usermesh.api.get(search + status, admin.access)).body.data;
    expect(await listed("&status=deleted")).toMatchObject([{ id: person.id, deleted_at: expect.any(String) }]);
    expect(await listed("&status=deleted&sort=last_login_at")).toHaveLength(1);
    expect([...(await listed("")), ...(await listed("&status=inactive"))]).toEqual([]);
    const one = (await usermesh.api.get(`admin/users/${person.id}`, admin.access)).body.data;
    expect(one).toMatchObject({ id: person.id, is_active: false, deleted_at: expect.any(String) });
    await usermesh.api.put(`admin/users/${person.id}/status`, { is_active: true }, admin.access);
    expect(await listed("&status=deleted")).toEqual([]);
    expect(await listed("")).toMatchObject([{ id: person.id, deleted_at: null }]);
  });

  test("administrators can delete others, not themselves", async () => {
    const person = await register(usermesh);
    const user = await signIn(usermesh, person);
    const admin = await signIn(usermesh, usermesh.admin);
    expect((await usermesh.api.delete(`admin/users/${person.id}`, user.access)).status).toBe(403);
    expect((await usermesh.api.delete(`admin/users/${person.id}`, admin.access)).status).toBe(200);
    expect(await usermesh.api.get("users/me", user.access)).toBeProblem(401, "session_ended");
    const { body } = await usermesh.api.get("users/me", admin.access);
    expect((await usermesh.api.delete(`admin/users/${body.data.id}`, admin.access)).status).toBe(403);
  });

  test("leaves no data in any table after its erasure", async () => {
    const person = await leaveTraces(usermesh);
    await mailTo(usermesh, person.email, /reset-password/);
    await usermesh.settled();
    expect((await tablesWith(usermesh.database, person.traces)).length).toBeGreaterThan(5);
    const uploaded = await usermesh.api.request("POST", "users/me/avatar", {
      raw: form(await bytesOf(picture(4, 4).png())),
      token: person.access,
    });
    expect(await avatarRows()).toBeGreaterThan(0);
    const answer = await usermesh.api.request("DELETE", "users/me", {
      body: { password: person.password, erase: true },
      token: person.access,
    });
    expect(answer.status).toBe(200);
    await erased(usermesh.database, person.id);
    await usermesh.settled();
    expect(await tablesWith(usermesh.database, person.traces)).toEqual([]);
    expect(await avatarRows()).toBe(0);
    expect((await fetch(uploaded.body.data.avatar_url)).status).toBe(404);
    const certificate = await certificateOf(usermesh, person.id);
    expect(Object.keys(certificate.receipts).toSorted()).toEqual(schemas.toSorted());
  });

  test("can't be restored once erased; its email is free, its log entries are anonymous", async () => {
    const person = await register(usermesh);
    const { access } = await signIn(usermesh, person);
    const key = { token: access, headers: { "idempotency-key": `k-${person.id}` } };
    await usermesh.api.request("PATCH", "users/me", { ...key, body: { bio: "gone soon" } });
    await usermesh.api.request("DELETE", "users/me", { body: { erase: true }, token: access });
    await erased(usermesh.database, person.id);
    const [kept] = await usermesh.database.query<{ answer: unknown }>(
      "SELECT answer FROM users.idempotency WHERE user_id = $1",
      [person.id],
    );
    expect(kept).toEqual({ answer: null });
    const admin = await signIn(usermesh, usermesh.admin);
    const back = await usermesh.api.put(`admin/users/${person.id}/status`, { is_active: true }, admin.access);
    expect(back.status).toBe(404);
    const log = await usermesh.database.query("SELECT 1 FROM admin.activity WHERE $1::uuid IN (user_id, actor_id)", [
      person.id,
    ]);
    expect(log).toEqual([]);
    await eventually("the act of erasing in the log", async () => {
      const { body } = await usermesh.api.get("admin/activity?action=user.erased&limit=100", admin.access);
      return body.data.length > 0;
    });
    await register(usermesh, { ...newPerson(), email: person.email });
  });

  test("is erased once by concurrent runs, with one event", async () => {
    const person = await register(usermesh);
    const { access } = await signIn(usermesh, person);
    await usermesh.api.request("DELETE", "users/me", { body: { erase: true }, token: access });
    const worker = { kind: "service", name: "worker-maintenance" } as const;
    await Promise.all(Array.from({ length: 8 }, () => usermesh.call("users.eraseDue", {}, worker)));
    await erased(usermesh.database, person.id);
    const stated = "SELECT 1 FROM users.outbox WHERE user_id = $1 AND body ->> 'event_type' = 'user.erased'";
    expect(await usermesh.database.query(stated, [person.id])).toHaveLength(1);
  });

  test("past its erasure deadline is reported in the metrics", async () => {
    const person = await register(usermesh);
    const { access } = await signIn(usermesh, person);
    await usermesh.api.delete("users/me", access);
    const admin = await signIn(usermesh, usermesh.admin);
    const overdue = async () => (await usermesh.api.get("admin/metrics", admin.access)).body.data.erasures.overdue;
    expect(await overdue()).toBe(0);
    const past = "UPDATE users.erasures SET deadline = clock_timestamp() - interval '1 s' WHERE user_id = $1";
    await usermesh.database.query(past, [person.id]);
    await eventually("the figures to tell it", async () => (await overdue()) === 1, { every: 250 });
  });

  test("restored with a backup is erased again when user.erased is replayed", async () => {
    const person = await register(usermesh);
    const { access } = await signIn(usermesh, person);
    await usermesh.api.request("DELETE", "users/me", { body: { erase: true }, token: access });
    await erased(usermesh.database, person.id);
    await usermesh.settled();
    for (const schema of ["users", "auth"])
      await usermesh.database.query(`DELETE FROM ${schema}.erased WHERE user_id = $1`, [person.id]);
    await usermesh.database.query(
      `INSERT INTO users.users (id, tenant_id, email, email_key, search_text)
       SELECT $1, id, $2, $2, $2 FROM users.tenants WHERE slug = 'default'`,
      [person.id, person.email],
    );
    await usermesh.database.query(
      `INSERT INTO auth.credentials (id, user_id, kind, secret, kid) VALUES (gen_random_uuid(), $1, 'password', 'x', 'k1')`,
      [person.id],
    );
    const again = `UPDATE users.outbox SET published_at = NULL WHERE user_id = $1 AND body ->> 'event_type' = 'user.erased' RETURNING id`;
    expect(await usermesh.database.query(again, [person.id])).toHaveLength(1);
    await usermesh.settled();
    expect(await tablesWith(usermesh.database, [person.email])).toEqual([]);
    const ways = "SELECT 1 FROM auth.credentials WHERE user_id = $1";
    expect(await usermesh.database.query(ways, [person.id])).toEqual([]);
  });

  test("can't be written to again in any table once erased", async () => {
    const person = await register(usermesh);
    const { access } = await signIn(usermesh, person);
    await usermesh.api.request("DELETE", "users/me", { body: { erase: true }, token: access });
    await erased(usermesh.database, person.id);
    await usermesh.settled();
    await usermesh.database.query(
      `INSERT INTO auth.credentials (id, user_id, kind, secret, kid) VALUES (gen_random_uuid(), $1, 'password', 'x', 'k1')`,
      [person.id],
    );
    await usermesh.database.query(
      `INSERT INTO auth.outbox (kind, event_id, user_id, body) VALUES ('job', gen_random_uuid(), $1, '{}')`,
      [person.id],
    );
    const count =
      "SELECT (SELECT count(*) FROM auth.credentials WHERE user_id = $1) + (SELECT count(*) FROM auth.outbox WHERE user_id = $1) AS n";
    expect(await usermesh.database.query(count, [person.id])).toEqual([{ n: "0" }]);
  });
});
