import { type Client, escapeIdentifier, type QueryResult, type QueryResultRow } from "pg";
import { type DatabaseNames, jobsSchema, schemas } from "./database-roles.ts";

/** `migrate` keeps its own state in it. */
export const stateSchema = "usermesh";
/** Where pg_trgm is installed, unless the database has it elsewhere already. */
export const extensionSchema = "ext";

/** All schemas that belong to an installation, by the names that its SQL uses. */
export const allSchemas = [...schemas, jobsSchema, stateSchema] as const;

/** The name of a schema in this database. */
export function schemaName({ schemaPrefix }: Pick<DatabaseNames, "schemaPrefix">, schema: string): string {
  return `${schemaPrefix}${schema}`;
}

/** A database has pg_trgm once, in a schema of its owner's choice. */
export const FIND_EXTENSION_SCHEMA =
  "SELECT nspname::text AS schema FROM pg_extension JOIN pg_namespace AS n ON n.oid = extnamespace WHERE extname = 'pg_trgm'";

/** Rewrites the schemas that a statement names. */
export type Qualify = (sql: string) => string;

// A schema's name is followed by a dot and does not follow one; in quotes it is a text.
const QUALIFIER = new RegExp(`(?<![\\w.'"$])(${[...allSchemas, extensionSchema].join("|")})\\.(?=[a-z_%<])`, "g");

/**
 * Our SQL names schemas as they are called without DB_SCHEMA_PREFIX. Each text is rewritten once, and none in an
 * installation with the usual names.
 */
export function createQualify({ schemaPrefix }: Pick<DatabaseNames, "schemaPrefix">, extensions: string): Qualify {
  if (schemaPrefix === "" && extensions === extensionSchema) return (sql) => sql;
  const known = new Map<string, string>();
  const nameOf = (schema: string) =>
    schema === extensionSchema ? escapeIdentifier(extensions) : schemaName({ schemaPrefix }, schema);
  return (sql) => {
    const rewritten = known.get(sql) ?? sql.replace(QUALIFIER, (_, schema: string) => `${nameOf(schema)}.`);
    known.set(sql, rewritten);
    return rewritten;
  };
}

/** A query by the schemas' usual names. */
export type Query = <Row extends QueryResultRow>(sql: string, values?: unknown[]) => Promise<QueryResult<Row>>;

export function createQuery(client: Client, qualify: Qualify): Query {
  return (sql, values) => client.query(qualify(sql), values);
}
