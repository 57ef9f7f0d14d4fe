import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Entity } from "../../lib/database/entity.ts";
import { entities } from "../support/data/entities.ts";
import { createTestDatabase, type TestDatabase } from "../support/start/database.ts";

/** PostgreSQL's names of the types. */
const types: Readonly<Record<string, string>> = { int: "integer", timestamptz: "timestamp with time zone" };

function describeColumns({ table, columns }: Entity): string[] {
  return Object.entries(columns).map(([name, { options }]) => {
    const type = types[String(options.type)] ?? String(options.type);
    const precise = options.precision == null ? type : type.replace("timestamp", `timestamp(${options.precision})`);
    const constraints = [options.nullable ? "" : " NOT NULL", options.primary ? " PRIMARY KEY" : ""].join("");
    return `${table}.${name} ${precise}${options.array ? "[]" : ""}${constraints}`;
  });
}

describe("the entities of", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database?.drop());

  test.each(Object.keys(entities))(
    "%s list every table and column of its schema, with type and nullability",
    async (schema) => {
      const rows = await database.query<{ line: string }>(
        `SELECT format('%s.%s.%s %s', n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod))
         || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
         || CASE WHEN a.attnum = ANY(k.conkey) THEN ' PRIMARY KEY' ELSE '' END AS line
       FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
       LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
       WHERE n.nspname = $1 AND c.relkind = 'r' AND c.relname <> 'migrations' AND a.attnum > 0 AND NOT a.attisdropped`,
        [schema],
      );
      const listed = Object.values(entities[schema] ?? {});
      expect(listed.flatMap(describeColumns).toSorted()).toEqual(rows.map(({ line }) => line).toSorted());
    },
  );
});
