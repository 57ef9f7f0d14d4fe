import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { schemas } from "../../../lib/database/database-roles.ts";
import { leaveTraces, type Traced } from "../../support/flows/data-rights.ts";
import { register, signIn } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

describe("the export of an account", () => {
  let usermesh: Usermesh;
  let person: Traced;
  beforeAll(async () => {
    usermesh = await startUsermesh();
    person = await leaveTraces(usermesh);
    await usermesh.settled();
  });
  afterAll(() => usermesh.stop());

  test("is a download with a section of every service that stores personal data", async () => {
    const { status, headers, body } = await usermesh.api.get("users/me/export", person.access);
    expect(status).toBe(200);
    expect(headers.get("content-disposition")).toBe('attachment; filename="usermesh-export.json"');
    expect(headers.get("cache-control")).toBe("no-store");
    expect(Object.keys(body.services).toSorted()).toEqual(schemas.toSorted());
    expect(body.services.sessions.sessions).toHaveLength(1);
    expect(body.services.auth.sign_in_methods).toMatchObject([{ kind: "password" }]);
    expect(body.services.mail.messages.length).toBeGreaterThan(0);
  });

  test("contains everything the user entered, with sealed fields in plaintext", async () => {
    const { body } = await usermesh.api.get("users/me/export", person.access);
    const text = JSON.stringify(body);
    expect(person.traces.filter((trace) => !text.includes(trace))).toEqual([]);
    expect(body.services.users.profile[0].date_of_birth).toBe("1815-12-10");
  });

  test("contains no secret: no hash, no salt, nothing sealed", async () => {
    const { body } = await usermesh.api.get("users/me/export", person.access);
    const text = JSON.stringify(body);
    const secrets = await usermesh.database.query<{ secret: string }>(
      `SELECT secret FROM auth.credentials WHERE user_id = $1 UNION SELECT salt FROM sessions.sessions WHERE user_id = $1
       UNION SELECT sealed FROM users.profiles WHERE user_id = $1`,
      [person.id],
    );
    expect(secrets).toHaveLength(3);
    expect(secrets.filter(({ secret }) => text.includes(secret))).toEqual([]);
  });

  test("contains no data of other users, and no IP address of administrators", async () => {
    const admin = await signIn(usermesh, usermesh.admin);
    const other = await register(usermesh);
    await usermesh.api.put(`admin/users/${person.id}/status`, { is_active: true, reason: "x" }, admin.access);
    const { body } = await usermesh.api.get("users/me/export", (await signIn(usermesh, other)).access);
    const text = JSON.stringify(body);
    const rows = await usermesh.database.query<{ id: string }>(
      `SELECT id FROM mail.messages WHERE user_id = $1 UNION SELECT id FROM sessions.sessions WHERE user_id = $1
       UNION SELECT id FROM admin.activity WHERE user_id = $1`,
      [person.id],
    );
    expect(rows.length).toBeGreaterThan(3);
    const theirs = [person.id, ...person.traces, ...rows.map(({ id }) => id)];
    expect(theirs.filter((trace) => text.includes(trace))).toEqual([]);
  });

  test("is paged, with each row once and in order", async () => {
    await usermesh.database.query(
      `INSERT INTO admin.activity (id, tenant_id, action, actor_id, user_id, at)
       SELECT gen_random_uuid(), tenant_id, 'user.updated', id, id, '2026-01-01'::timestamptz + n / 3 * interval '1 ms'
       FROM users.users, generate_series(1, 1001) AS n WHERE id = $1`,
      [person.id],
    );
    const { body } = await usermesh.api.get("users/me/export", person.access);
    const [{ count }] = (await usermesh.database.query<{ count: string }>(
      "SELECT count(*) FROM admin.activity WHERE user_id = $1",
      [person.id],
    )) as [{ count: string }];
    const ids = body.services.admin.activity.map((row: { id: string }) => row.id);
    expect([ids.length, new Set(ids).size]).toEqual([Number(count), Number(count)]);
    const times = body.services.admin.activity.map((row: { at: string }) => row.at);
    expect(times).toEqual(times.toSorted());
  });

  test("requires a signed-in user", async () => {
    expect((await usermesh.api.get("users/me/export")).status).toBe(401);
  });
});
