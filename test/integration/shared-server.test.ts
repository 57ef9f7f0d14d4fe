import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import { type Environment, readConfig } from "../../lib/config/config.ts";
import { roleName, roleUrl, schemas } from "../../lib/database/database-roles.ts";
import { migrate } from "../../scripts/migrate/migrate.ts";
import { eventually } from "../support/eventually.ts";

/** Several installations on one PostgreSQL server, each with a database and an owner who may create roles. */
const server = process.env.TEST_POSTGRES_URL ?? "";
const made: { databases: string[]; roles: string[] } = { databases: [], roles: [] };
const silent = () => undefined;
let admin: Client;

beforeAll(async () => {
  admin = new Client({ connectionString: server });
  await admin.connect();
});
afterAll(async () => {
  for (const database of made.databases) await admin.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
  const { rows } = await admin.query<{ name: string }>("SELECT rolname AS name FROM pg_roles WHERE rolname ~ $1", [
    `^(${["usermesh_(users|auth|sessions|preferences|mail|admin)", ...made.databases.map((one) => `usermesh_${one}_.*`), ...made.roles].join("|")})$`,
  ]);
  if (rows.length > 0) await admin.query(`DROP ROLE ${rows.map(({ name }) => name).join(", ")}`);
  await admin.end();
});

interface Place {
  readonly name: string;
  readonly url: string;
}

/** A migrated database, cloned from the template, or an empty one whose owner may create roles and no more. */
async function place({ isEmpty = false, password = randomBytes(6).toString("hex") } = {}): Promise<Place> {
  const name = `shared_${randomBytes(4).toString("hex")}`;
  const owner = `owner_${name}`;
  await admin.query(`CREATE ROLE ${owner} LOGIN ${isEmpty ? "CREATEROLE" : "SUPERUSER"} PASSWORD '${password}'`);
  await createDatabase(name, owner, isEmpty ? "template1" : "usermesh_template");
  made.databases.push(name);
  made.roles.push(owner);
  const url = new URL(server);
  Object.assign(url, { username: owner, password, pathname: `/${name}` });
  return { name, url: url.href };
}

/** Tried again, because others may be cloning the template at this moment. */
async function createDatabase(name: string, owner: string, template: string): Promise<void> {
  const sql = `CREATE DATABASE ${name} OWNER ${owner} TEMPLATE ${template}`;
  await eventually(sql, () => admin.query(sql));
}

const configOf = ({ url }: Place, env: Environment = {}) => readConfig({ DATABASE_URL: url, ...env });

async function query<Row = Record<string, unknown>>(url: string, sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return client
    .query(sql)
    .then(
      ({ rows }) => rows,
      (error) => Promise.reject(error),
    )
    .finally(() => client.end());
}

/** The error's code of each service that can't read its own tables. */
async function brokenServices(one: Place, env: Environment = {}): Promise<string[]> {
  const { database } = configOf(one, env);
  const outcomes = await Promise.all(
    schemas.map((schema) =>
      query(
        roleUrl(database.url ?? "", database, schema),
        `SELECT count(*) FROM ${database.schemaPrefix}${schema}.inbox`,
      ).then(
        () => [],
        (error: { code: string }) => [`${schema}: ${error.code}`],
      ),
    ),
  );
  return outcomes.flat();
}

const rolesLike = async (pattern: string) => {
  const { rows } = await admin.query<{ name: string; secret: string }>(
    "SELECT rolname AS name, rolpassword AS secret FROM pg_authid WHERE rolname ~ $1 ORDER BY 1",
    [pattern],
  );
  return rows;
};

describe("two installations on one server", () => {
  test.each([
    ["different passwords", ["one-password", "other-password"]],
    ["the same password", ["one-password", "one-password"]],
  ])("whose owners have %s both work, and see nothing of each other", async (_, [first, second]) => {
    const [one, other] = [
      await place({ password: first }),
      await place({ password: second, isEmpty: first !== second }),
    ];
    await migrate(configOf(one), silent);
    const before = await rolesLike(`^usermesh_${one.name}_`);
    // The same passwords, with the same salts: poolers keep copies of these.
    await migrate(configOf(one), silent);
    expect(await rolesLike(`^usermesh_${one.name}_`)).toEqual(before);
    expect(before).toHaveLength(schemas.length);
    await migrate(configOf(other), silent);
    expect(await rolesLike(`^usermesh_${one.name}_`)).toEqual(before);
    expect([await brokenServices(one), await brokenServices(other)]).toEqual([[], []]);
    const { database } = configOf(one);
    const stranger = new URL(roleUrl(one.url, database, "users"));
    stranger.pathname = `/${other.name}`;
    await expect(query(stranger.href, "SELECT 1 FROM users.users")).rejects.toMatchObject({ code: "42501" });
  });

  test("may have the same names if one of them has prefixes, in the same database too", async () => {
    const one = await place();
    await migrate(configOf(one), silent);
    const env = { DB_SCHEMA_PREFIX: "second_" };
    await migrate(configOf(one, env), silent);
    expect([await brokenServices(one), await brokenServices(one, env)]).toEqual([[], []]);
  });
});

/** As an installation was before role names contained the database's. */
async function migrateAsBefore(one: Place): Promise<void> {
  await migrate(configOf(one, { DB_ROLE_PREFIX: "usermesh" }), silent);
  await query(one.url, "ALTER TABLE usermesh.installation DROP COLUMN role_prefix");
}

describe("roles of an earlier version", () => {
  test("are renamed, and keep their rights", async () => {
    const one = await place();
    await migrateAsBefore(one);
    const said: string[] = [];
    await migrate(configOf(one), (line) => said.push(line));
    expect(said).toEqual([`The services' roles are named usermesh_${one.name}_* from now on, not usermesh_*.`]);
    expect(await rolesLike("^usermesh_users$")).toEqual([]);
    expect(await brokenServices(one)).toEqual([]);
    await migrate(configOf(one), (line) => said.push(line));
    expect(said).toHaveLength(1);
  });

  test("are kept with DB_ROLE_PREFIX", async () => {
    const one = await place();
    const env = { DB_ROLE_PREFIX: "usermesh" };
    await migrateAsBefore(one);
    await migrate(configOf(one, env), silent);
    expect(await brokenServices(one, env)).toEqual([]);
    await migrate(configOf(one), silent);
  });

  test("that another database uses as well stay its own, and lose their rights here", async () => {
    const one = await place();
    await migrateAsBefore(one);
    const other = `${one.name}_other`;
    await createDatabase(other, `owner_${one.name}`, one.name);
    made.databases.unshift(other);
    const before = await rolesLike("^usermesh_users$");
    await migrate(configOf(one), silent);
    expect(await rolesLike("^usermesh_users$")).toEqual(before);
    expect(await brokenServices(one)).toEqual([]);
    const earlier = roleUrl(one.url, { rolePrefix: "usermesh", rolePasswords: {} }, "users");
    await expect(query(earlier, "SELECT 1 FROM users.users")).rejects.toMatchObject({ code: "42501" });
    await admin.query(`DROP DATABASE ${other} WITH (FORCE)`);
  });
});

describe("what exists and is not ours", () => {
  test("a role is refused and not altered", async () => {
    const one = await place();
    const role = roleName(configOf(one).database, "mail");
    await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'theirs'`);
    const before = await rolesLike(`^usermesh_${one.name}_`);
    await expect(migrate(configOf(one), silent)).rejects.toThrow(
      /role .* exists and was not created by .* DB_ROLE_PREFIX/s,
    );
    expect(await rolesLike(`^usermesh_${one.name}_`)).toEqual(before);
  });

  test("a role that another installation uses is refused and not altered", async () => {
    const [one, other] = [await place(), await place()];
    await migrate(configOf(one), silent);
    const before = await rolesLike(`^usermesh_${one.name}_`);
    const env = { DB_ROLE_PREFIX: `usermesh_${one.name}` };
    await expect(migrate(configOf(other, env), silent)).rejects.toThrow(`is used by the database ${one.name}`);
    expect(await rolesLike(`^usermesh_${one.name}_`)).toEqual(before);
    expect(await brokenServices(one)).toEqual([]);
  });

  test("roles left over from a dropped database of the same name are taken over", async () => {
    const one = await place();
    await migrate(configOf(one), silent);
    await admin.query(`DROP DATABASE ${one.name} WITH (FORCE)`);
    await createDatabase(one.name, `owner_${one.name}`, "usermesh_template");
    await migrate(configOf(one), silent);
    expect(await brokenServices(one)).toEqual([]);
  });

  test.each(["auth", "jobs", "usermesh"])("a schema %s is refused before anything is created", async (schema) => {
    const one = await place({ isEmpty: true });
    const theirs = new URL(server);
    theirs.pathname = `/${one.name}`;
    await query(theirs.href, `CREATE SCHEMA ${schema} CREATE TABLE migrations (id int)`);
    await expect(migrate(configOf(one), silent)).rejects.toThrow(new RegExp(`schema ${schema} .* DB_SCHEMA_PREFIX`));
    const created = await query<{ n: string }>(
      one.url,
      "SELECT nspname AS n FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema$|^public$'",
    );
    expect(created.map(({ n }) => n)).toEqual([schema]);
  });
});
