import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { ConfigError, type Environment, readConfig } from "../../lib/config/config.ts";
import { parseKeyRing } from "../../lib/crypto/key-ring.ts";
import { roleName, rolePassword } from "../../lib/database/database-roles.ts";

function problemsOf(env: Environment): readonly string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}
const databaseOf = (env: Environment | string) =>
  readConfig(typeof env === "string" ? { DATABASE_URL: env } : env).database;

describe("DATABASE_URL has one form,", () => {
  const normal = "postgres://owner1:p%40ss@db.example:5432/um";

  test.each([
    "postgres://owner1:p%40ss@db.example/um",
    " postgresql://owner1:p%40ss@db.example:5432/um\n",
    "postgresql+asyncpg://owner1:p%40ss@db.example/um?application_name=x",
    "postgres://db.example/um?user=owner1&password=p%40ss",
    "postgres:///um?host=db.example&port=5432&user=owner1&password=p%40ss",
    "postgres://owner1@db.example/?password=p%40ss&dbname=um",
    "postgres://owner1:p%40ss@db.example/um?user=owner1",
  ])("%j", (url) => {
    expect(databaseOf(url).url).toBe(normal);
  });

  test.each([
    ["postgres:///um?host=/run/pg&user=owner1&password=pw", "postgres://owner1:pw@%2Frun%2Fpg:5432/um"],
    ["postgres://owner1:pw@/um?host=/run/pg", "postgres://owner1:pw@%2Frun%2Fpg:5432/um"],
    ["postgres://owner1:pw@%2Frun%2Fpg/um", "postgres://owner1:pw@%2Frun%2Fpg:5432/um"],
    ["postgres://owner1:pw@[::1]:5433/um", "postgres://owner1:pw@[::1]:5433/um"],
    [
      "postgres://o:p%40ss%3Aw%2Fo%3Fr%23d%251%20%C3%BC@h/d%20b",
      "postgres://o:p%40ss%3Aw%2Fo%3Fr%23d%251%20%C3%BC@h:5432/d%20b",
    ],
    ["postgres://o:pw@h", "postgres://o:pw@h:5432/o"],
  ])("also for sockets, IPv6 and special characters: %j", (url, expected) => {
    expect(databaseOf(url).url).toBe(expected);
  });

  test("completed by PGUSER and PGPASSWORD", () => {
    const env = { DATABASE_URL: "postgres://db.example/um", PGUSER: "owner1", PGPASSWORD: "p@ss" };
    expect(databaseOf(env).url).toBe(normal);
  });

  test.each([
    "owner:pw@host/db",
    "http://owner:pw@host/db",
    "postgres://owner:p#w@host/db",
    "postgres://owner:pw@one,two/db",
    "postgres://:pw@host/db",
    "postgres://host/db",
    "postgres://owner:100%@host/db",
    "postgres://owner:pw@host/db?user=another",
    "postgres://owner:pw@host/db?password=another",
    "postgres://owner:pw@host/db?sslmode=prefer",
    "postgres://owner:pw@host/db?sslmode=require&ssl=false",
  ])("and %j is an error that does not quote it", (url) => {
    const problems = problemsOf({ DATABASE_URL: url });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^DATABASE_URL /);
    expect(problems[0]).not.toMatch(/pw|p#w/);
  });

  test("and parameters without effect are named", () => {
    const { warnings } = readConfig({ DATABASE_URL: "postgres://o:pw@h/d?schema=public&connection_limit=5" });
    expect(warnings).toEqual(["DATABASE_URL has parameters without effect: schema, connection_limit."]);
  });
});

describe("TLS to PostgreSQL", () => {
  const url = "postgres://o:pw@h/d";
  const ca = join(mkdtempSync(join(tmpdir(), "usermesh-ca-")), "ca.pem");
  writeFileSync(ca, "-----BEGIN CERTIFICATE-----\n");

  test.each([
    ["verify", "disable"],
    ["verify", "require"],
    ["off", "verify-full"],
    ["off", "require"],
    ["require", "verify-full"],
    ["require", "disable"],
  ])("DB_SSL=%s and sslmode=%s contradict each other", (DB_SSL, sslmode) => {
    const [problem, ...more] = problemsOf({ DATABASE_URL: `${url}?sslmode=${sslmode}`, DB_SSL });
    expect(more).toEqual([]);
    expect(problem).toContain("contradict");
    expect(problemsOf({ DATABASE_URL: url, DB_SSL, PGSSLMODE: sslmode })).toHaveLength(1);
  });

  test.each([
    ["off", "disable"],
    ["require", "require"],
    ["require", "no-verify"],
    ["verify", "verify-full"],
    ["verify", "verify-ca"],
  ] as const)("DB_SSL=%s is what sslmode=%s means, together or alone", (DB_SSL, sslmode) => {
    const withMode = `${url}?sslmode=${sslmode}`;
    expect(databaseOf({ DATABASE_URL: withMode, DB_SSL }).ssl).toBe(DB_SSL);
    expect(databaseOf(withMode).ssl).toBe(DB_SSL);
    expect(databaseOf({ DATABASE_URL: url, PGSSLMODE: sslmode }).ssl).toBe(DB_SSL);
  });

  test("is off by default, and for the embedded server whatever PGSSLMODE is", () => {
    expect(databaseOf(url).ssl).toBe("off");
    expect(databaseOf({ DATABASE_URL: url, DATABASE_EMBEDDED: "true", PGSSLMODE: "verify-full" }).ssl).toBe("off");
  });

  test("trusts the authorities in DB_SSL_CA or sslrootcert", () => {
    const both = [
      { DATABASE_URL: url, DB_SSL: "verify", DB_SSL_CA: ca },
      { DATABASE_URL: `${url}?sslmode=verify-full&sslrootcert=${ca}` },
    ];
    for (const env of both) expect(databaseOf(env).certificates).toEqual({ ca: "-----BEGIN CERTIFICATE-----\n" });
  });

  test.each([
    [{ DB_SSL: "verify", DB_SSL_CA: "/nowhere/ca.pem" }, "can't be read"],
    [{ DB_SSL: "verify", DB_SSL_CA: "package.json" }, "PEM"],
    [{ DB_SSL: "require", DB_SSL_CA: ca }, "no effect"],
    [{ DB_SSL: "verify", DB_SSL_CA: ca, DATABASE_URL: `${url}?sslrootcert=/another.pem` }, "differ"],
  ])("%j is an error", (env, reason) => {
    expect(problemsOf({ DATABASE_URL: url, ...env }).join()).toContain(reason);
  });
});

describe("the services' roles", () => {
  test.each([
    ["um1", "usermesh_um1_users"],
    ["usermesh", "usermesh_users"],
    ["Shop", /^usermesh_shop_[0-9a-f]{8}_users$/],
    ["d-b", /^usermesh_d_b_[0-9a-f]{8}_users$/],
    ["d_b", "usermesh_d_b_users"],
    ["x".repeat(63), /^usermesh_x{30}_[0-9a-f]{8}_users$/],
    ["\u00fcber", /^usermesh__ber_[0-9a-f]{8}_users$/],
  ])("of the database %j are named after it", (database, expected) => {
    const names = databaseOf(`postgres://o:pw@h/${encodeURIComponent(database)}`);
    expect(roleName(names, "users")).toMatch(expected);
    expect(Buffer.byteLength(roleName(names, "preferences"))).toBeLessThanOrEqual(63);
  });

  test("are named by DB_ROLE_PREFIX, and apart from those of another DB_SCHEMA_PREFIX", () => {
    const env = { DATABASE_URL: "postgres://o:pw@h/um" };
    expect(roleName(databaseOf({ ...env, DB_ROLE_PREFIX: "ours" }), "auth")).toBe("ours_auth");
    expect(roleName(databaseOf({ ...env, DB_SCHEMA_PREFIX: "um_" }), "auth")).toBe("usermesh_um_um_auth");
    for (const name of ["DB_ROLE_PREFIX", "DB_SCHEMA_PREFIX"])
      for (const value of ["Upper", "1st", "a-b", 'a"b', "x".repeat(41)])
        expect(problemsOf({ ...env, [name]: value })).toHaveLength(1);
  });
});

describe("nothing is derived from an empty secret:", () => {
  test.each(["postgres://owner@h/d", "postgres://owner:@h/d", "postgres:///d?host=/run/pg&user=owner"])(
    "role passwords, with %j",
    (url) => {
      expect(problemsOf({ DATABASE_URL: url }).join()).toContain("password");
      expect(problemsOf({ DATABASE_URL: url, PGPASSWORD: "" }).join()).toContain("password");
    },
  );

  test("role passwords, for every caller", () => {
    expect(() => rolePassword("postgres://owner@h/d", "r")).toThrow("password");
    expect(() => rolePassword("postgres://owner:@h/d", "r")).toThrow("password");
  });

  test.each(["", " ", "k1:", "k1: ", "k2:,k1:0123456789abcdef0123456789abcdef", `k1:${" ".repeat(40)}`])(
    "the keys of SECRET_KEY=%j",
    (secretKey) => {
      expect(() => parseKeyRing(secretKey)).toThrow("SECRET_KEY");
    },
  );
});
