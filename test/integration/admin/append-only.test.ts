import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import { createTestDatabase, serviceUrl, type TestDatabase } from "../../support/start/database.ts";

const REFUSED = "42501";

describe("the activity log's table, for its service's role", () => {
  let database: TestDatabase;
  let client: Client;
  beforeAll(async () => {
    database = await createTestDatabase();
    client = new Client({ connectionString: serviceUrl(database, "admin") });
    await client.connect();
  });
  afterAll(async () => {
    await client?.end();
    await database?.drop();
  });

  const [person, tenant] = [randomUUID(), randomUUID()];
  const act = (actor: string, user: string, details = "{}") =>
    client.query(
      `INSERT INTO admin.activity (id, tenant_id, action, actor_id, user_id, at, ip, correlation_id, details)
       VALUES (gen_random_uuid(), $1, 'user.updated', $2, $3, now(), '192.0.2.1', 'c', $4)`,
      [tenant, actor, user, details],
    );

  test("allows inserting and reading", async () => {
    await act(person, person, '{"reason": "named"}');
    expect((await client.query("SELECT 1 FROM admin.activity")).rowCount).toBe(1);
  });

  test.each([
    "UPDATE admin.activity SET actor_id = NULL",
    "UPDATE admin.activity SET at = now() WHERE false",
    "DELETE FROM admin.activity",
    "TRUNCATE admin.activity",
    "ALTER TABLE admin.activity DISABLE TRIGGER ALL",
    "INSERT INTO admin.activity (id, tenant_id, action, at) SELECT id, tenant_id, 'x', at FROM admin.activity ON CONFLICT (id) DO UPDATE SET action = 'x'",
  ])("refuses %s", async (sql) => {
    await expect(client.query(sql)).rejects.toMatchObject({ code: REFUSED });
  });

  test("is changed only by an erasure, which keeps the entries and removes the person", async () => {
    const [admin, other] = [randomUUID(), randomUUID()];
    await act(admin, person, '{"reason": "told"}');
    await act(person, other, '{"reason": "kept"}');
    await database.query(
      `INSERT INTO users.erasures (id, user_id, tenant_id, requested_by, due_at, deadline, tried_at)
       VALUES (gen_random_uuid(), $1, $2, $1, now(), now(), now())`,
      [person, tenant],
    );
    const pseudonym = randomUUID();
    const { rows } = await client.query("SELECT admin.pseudonymise($1, $2) AS n", [person, pseudonym]);
    expect(rows).toEqual([{ n: 3 }]);
    const log = await client.query(
      "SELECT actor_id, user_id, ip, correlation_id, details FROM admin.activity ORDER BY at, id",
    );
    const expected = [
      { actor_id: pseudonym, user_id: pseudonym, ip: null, correlation_id: null, details: {} },
      { actor_id: admin, user_id: pseudonym, ip: "192.0.2.1", correlation_id: null, details: {} },
      { actor_id: pseudonym, user_id: other, ip: null, correlation_id: "c", details: { reason: "kept" } },
    ];
    expect(log.rows).toEqual(expected);
  });
});
