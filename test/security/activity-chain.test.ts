import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import { readConfig } from "../../lib/config/config.ts";
import { roleName, rolePassword } from "../../lib/database/database-roles.ts";
import { createQuery } from "../../lib/database/schema-names.ts";
import { verifyActivity } from "../../scripts/verify-activity/verify.ts";
import { createTestDatabase, type TestDatabase } from "../support/start/database.ts";

let database: TestDatabase;
let owner: Client;
let role: Client;
beforeAll(async () => {
  database = await createTestDatabase();
  owner = new Client({ connectionString: database.url });
  await owner.connect();
  role = await connectAsRole();
});
afterAll(async () => {
  await role?.end();
  await owner?.end();
  await database?.drop();
});
beforeEach(() => owner.query("TRUNCATE admin.activity, admin.activity_chains, admin.erased"));

async function connectAsRole(): Promise<Client> {
  const url = new URL(database.url);
  url.username = roleName(readConfig({ DATABASE_URL: database.url }).database, "admin");
  url.password = rolePassword(database.url, url.username);
  const client = new Client({ connectionString: url.href });
  await client.connect();
  return client;
}

interface Act {
  readonly id?: string;
  readonly tenant: string;
  readonly actor?: string | null;
  readonly user?: string | null;
}

const act = ({ id = randomUUID(), tenant, actor = randomUUID(), user = actor }: Act, on = role) =>
  on.query(
    `INSERT INTO admin.activity (id, tenant_id, action, actor_id, user_id, at, ip, correlation_id, details)
     VALUES ($1, $2, 'user.updated', $3, $4, now(), '192.0.2.1', 'c:1', '{"b": [1, "ü"], "a": null}') ON CONFLICT DO NOTHING`,
    [id, tenant, actor, user],
  );
const verify = (client: Client, anchors?: Parameters<typeof verifyActivity>[1]) =>
  verifyActivity(
    createQuery(client, (sql) => sql),
    anchors,
  );
const problems = async () => (await verify(owner)).problems;
/** As `users` does when the deletion of an account is due. */
const orderErasure = (user: string, tenant: string) =>
  owner.query(
    `INSERT INTO users.erasures (id, user_id, tenant_id, requested_by, due_at, deadline, tried_at)
     VALUES (gen_random_uuid(), $1, $2, $1, now(), now(), now())`,
    [user, tenant],
  );
const pseudonymise = (user: string) => role.query("SELECT admin.pseudonymise($1, gen_random_uuid()) AS n", [user]);

describe("a log that was tampered with is found out", () => {
  const tampering: ReadonlyArray<readonly [what: string, sql: string, found: RegExp]> = [
    ["another action", "UPDATE admin.activity SET action = 'x' WHERE seq = 2", /entry 2 .* was changed/],
    ["another time", "UPDATE admin.activity SET at = at - interval '1 ms' WHERE seq = 2", /entry 2 .* was changed/],
    [
      "another actor",
      "UPDATE admin.activity SET actor_id = gen_random_uuid() WHERE seq = 1",
      /entry 1 .* another actor/,
    ],
    ["another address", "UPDATE admin.activity SET ip = NULL WHERE seq = 3", /entry 3 .* another actor or address/],
    ["another user", "UPDATE admin.activity SET user_id = NULL WHERE seq = 3", /entry 3 .* another user/],
    ["other details", "UPDATE admin.activity SET details = '{}' WHERE seq = 3", /entry 3 .* other details/],
    ["a text moved between fields", "UPDATE admin.activity SET correlation_id = NULL WHERE seq = 2", /entry 2/],
    ["a removed entry", "DELETE FROM admin.activity WHERE seq = 2", /entry 3 .* removed/],
    ["a removed last entry", "DELETE FROM admin.activity WHERE seq = 3", /does not end at its recorded head/],
    ["a removed first entry", "DELETE FROM admin.activity WHERE seq = 1", /entry 2 .* removed/],
    ["all entries removed", "DELETE FROM admin.activity", /does not end at its recorded head/],
    [
      "erased data replaced",
      "UPDATE admin.activity SET subject_salt = NULL, details = '{\"a\": 1}' WHERE seq = 2",
      /entry 2 .* other details/,
    ],
    [
      "an entry inserted between",
      `INSERT INTO admin.activity SELECT gen_random_uuid(), tenant_id, action, actor_id, user_id, at FROM admin.activity WHERE seq = 1;
       UPDATE admin.activity SET seq = 99 WHERE seq = 4`,
      /entry 99 .* removed/,
    ],
  ];
  test.each(tampering)("%s", async (_, sql, found) => {
    const tenant = randomUUID();
    for (let n = 0; n < 3; n += 1) await act({ tenant });
    expect(await problems()).toEqual([]);
    await owner.query(sql);
    expect((await problems()).join("\n")).toMatch(found);
  });

  test("a chain that was computed again does not contain the anchor that was kept elsewhere", async () => {
    const tenant = randomUUID();
    await act({ tenant });
    const { heads } = await verify(owner);
    await act({ tenant });
    expect((await verify(owner, heads)).problems).toEqual([]);
    await owner.query("TRUNCATE admin.activity, admin.activity_chains");
    expect((await verify(owner, heads)).problems.join()).toContain("gone");
    await act({ tenant });
    expect((await verify(owner, heads)).problems.join()).toContain("differs from the anchor");
  });
});

describe("the chain holds", () => {
  test("with concurrent writers, repeated entries and several tenants", async () => {
    const tenants = [randomUUID(), randomUUID(), randomUUID()];
    const writers = await Promise.all(Array.from({ length: 6 }, connectAsRole));
    const ids = Array.from({ length: 40 }, () => randomUUID());
    await Promise.all(
      writers.map(async (writer) => {
        for (const [index, id] of ids.entries()) await act({ id, tenant: tenants[index % 3] as string }, writer);
      }),
    );
    await Promise.all(writers.map((writer) => writer.end()));
    const { heads, problems: found } = await verify(owner);
    expect(found).toEqual([]);
    expect(heads.reduce((sum, { seq }) => sum + seq, 0)).toBe(40);
  });

  test("after an erasure, of what the user did and what was done to them, and the actor of others stays verifiable", async () => {
    const [tenant, user, admin] = [randomUUID(), randomUUID(), randomUUID()];
    await act({ tenant, actor: user });
    await act({ tenant, actor: admin, user });
    await act({ tenant, actor: user, user: admin });
    await act({ tenant, actor: null, user });
    await orderErasure(user, tenant);
    expect((await pseudonymise(user)).rows).toEqual([{ n: 4 }]);
    await act({ tenant, actor: user, user: admin });
    expect(await verify(owner)).toMatchObject({ problems: [], erased: 4 });
    await owner.query("UPDATE admin.activity SET actor_id = gen_random_uuid() WHERE seq = 2");
    expect((await problems()).join()).toMatch(/entry 2 .* another actor/);
  });

  test("and does not let writers of one tenant wait for those of another", async () => {
    const [slow, fast] = [randomUUID(), randomUUID()];
    // The role ends idle transactions after a second, which a busy machine may take longer than.
    await role.query("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0");
    await act({ tenant: slow });
    const other = await connectAsRole();
    await other.query("SET lock_timeout = '500ms'");
    await act({ tenant: fast }, other);
    await expect(act({ tenant: slow }, other)).rejects.toMatchObject({ code: "55P03" });
    await role.query("COMMIT");
    await act({ tenant: slow }, other);
    await other.end();
    expect(await problems()).toEqual([]);
  });
});

describe("an attacker with the role of admin", () => {
  const REFUSED = "42501";

  test("can't blank the entries of a living user by the erasure's function", async () => {
    const [tenant, user] = [randomUUID(), randomUUID()];
    await act({ tenant, actor: user });
    await expect(pseudonymise(user)).rejects.toMatchObject({ code: REFUSED });
    await expect(role.query("SELECT admin.mark_erased($1)", [user])).rejects.toMatchObject({ code: REFUSED });
    // A deletion that can still be cancelled is no order.
    await owner.query(
      `INSERT INTO users.erasures (id, user_id, tenant_id, requested_by, due_at, deadline)
       VALUES (gen_random_uuid(), $1, $2, $1, now(), now())`,
      [user, tenant],
    );
    await expect(pseudonymise(user)).rejects.toMatchObject({ code: REFUSED });
  });

  test.each([
    "INSERT INTO admin.erased (user_id) VALUES (gen_random_uuid())",
    "DELETE FROM admin.erased",
    "UPDATE admin.activity_chains SET seq = 0",
    "INSERT INTO admin.activity_chains VALUES (gen_random_uuid(), 0, '')",
    "DELETE FROM admin.activity_chains",
    "SELECT users.erasure_ordered(gen_random_uuid())",
    "INSERT INTO users.erased (user_id) VALUES (gen_random_uuid())",
  ])("is refused %s", async (sql) => {
    await expect(role.query(sql)).rejects.toMatchObject({ code: REFUSED });
  });

  test("can't choose the hashes of its own entries", async () => {
    await role.query(
      `INSERT INTO admin.activity (id, tenant_id, action, at, seq, hash, actor_hash, subject_hash)
       VALUES (gen_random_uuid(), gen_random_uuid(), 'x', now(), 7, 'h', 'a', 's')`,
    );
    expect(await problems()).toEqual([]);
  });
});
