import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  type DatabaseTarget,
  DatabaseUrlError,
  parseDatabaseUrl,
  parseSslMode,
  type SslFile,
  type SslMode,
} from "./database-url.ts";

type Environment = Readonly<Record<string, string | undefined>>;

interface DatabaseValues {
  readonly DATABASE_URL?: string | undefined;
  readonly DATABASE_EMBEDDED: boolean;
  readonly DB_SSL?: SslMode | undefined;
  readonly DB_SSL_CA?: string | undefined;
  readonly DB_ROLE_PREFIX?: string | undefined;
  readonly DB_SCHEMA_PREFIX?: string | undefined;
  /** By schema. */
  readonly DB_ROLE_PASSWORDS: Readonly<Record<string, string>>;
}

/** Combines DATABASE_URL with the variables that also speak of its server. Two that disagree are a problem. */
export function readDatabaseSettings(values: DatabaseValues, env: Environment, problems: string[]) {
  const target = readTarget(values, env, problems);
  const ssl = readSslMode(values, target, env, problems);
  const schemaPrefix = values.DB_SCHEMA_PREFIX ?? "";
  return {
    url: target?.url,
    embedded: values.DATABASE_EMBEDDED,
    ssl,
    /** PEM texts. */
    certificates: ssl === "off" ? {} : readCertificates(values, target, ssl, problems),
    rolePasswords: values.DB_ROLE_PASSWORDS,
    rolePrefix: values.DB_ROLE_PREFIX ?? defaultRolePrefix(target?.database ?? "", schemaPrefix),
    schemaPrefix,
    warnings:
      target && target.ignored.length > 0
        ? [`DATABASE_URL has parameters without effect: ${target.ignored.join(", ")}.`]
        : [],
  };
}

function readTarget(values: DatabaseValues, env: Environment, problems: string[]): DatabaseTarget | undefined {
  if (values.DATABASE_URL === undefined) return undefined;
  const target = explained("DATABASE_URL", problems, () => parseDatabaseUrl(values.DATABASE_URL ?? "", env));
  // Derived from an empty password, the passwords of the services' roles would be the same in every such installation.
  if (target && !target.hasPassword)
    problems.push(
      "DATABASE_URL must contain a password, or PGPASSWORD must: those of the services' roles are derived from the owner's.",
    );
  return target;
}

function readSslMode(
  values: DatabaseValues,
  target: DatabaseTarget | undefined,
  env: Environment,
  problems: string[],
): SslMode {
  const ofEnvironment =
    env.PGSSLMODE && target && !values.DATABASE_EMBEDDED
      ? explained("PGSSLMODE", problems, () => parseSslMode("PGSSLMODE", env.PGSSLMODE ?? ""))
      : undefined;
  const given = [
    ["DB_SSL", values.DB_SSL],
    ["sslmode in DATABASE_URL", target?.ssl],
    ["PGSSLMODE", ofEnvironment],
  ].filter((one): one is [string, SslMode] => one[1] !== undefined);
  const [first, ...others] = given;
  const other = others.find(([, mode]) => mode !== first?.[1]);
  if (first && other)
    problems.push(
      `${first[0]} means ${first[1]} and ${other[0]} means ${other[1]}: they contradict each other, set only DB_SSL.`,
    );
  return first?.[1] ?? "off";
}

type Certificates = Readonly<Partial<Record<SslFile, string>>>;

function readCertificates(
  { DB_SSL_CA }: DatabaseValues,
  target: DatabaseTarget | undefined,
  ssl: SslMode,
  problems: string[],
): Certificates {
  const ofUrl = target?.files ?? {};
  if (DB_SSL_CA !== undefined && ofUrl.ca !== undefined && ofUrl.ca !== DB_SSL_CA)
    problems.push("DB_SSL_CA and sslrootcert in DATABASE_URL differ. Set only DB_SSL_CA.");
  const files = { ...ofUrl, ...(DB_SSL_CA !== undefined && { ca: DB_SSL_CA }) };
  if (files.ca !== undefined && ssl !== "verify")
    problems.push("DB_SSL_CA has no effect unless certificates are verified: set DB_SSL=verify.");
  const read = Object.entries(files).map(
    ([file, path]) => [file, readPem(file === "ca" ? "DB_SSL_CA" : "DATABASE_URL", path, problems)] as const,
  );
  return Object.fromEntries(read);
}

/** The text of a PEM file; names the variable if it can't be read. */
export function readPem(name: string, path: string, problems: string[]): string {
  try {
    const text = readFileSync(path, "utf8");
    if (text.includes("-----BEGIN ")) return text;
    problems.push(`${name} must name a PEM file, which ${path} is not.`);
  } catch (error) {
    problems.push(`${name} names a file that can't be read: ${(error as Error).message}.`);
  }
  return "";
}

/**
 * Roles belong to the whole PostgreSQL server, so their names contain the database's. A name that does not fit into 63
 * bytes with a service's, or would need other letters, is shortened and gets a hash of the whole.
 */
function defaultRolePrefix(database: string, schemaPrefix: string): string {
  if (database === "usermesh" && schemaPrefix === "") return "usermesh";
  const name = schemaPrefix === "" ? database : `${database}_${schemaPrefix.replace(/_$/, "")}`;
  if (/^[a-z0-9_]{1,40}$/.test(name)) return `usermesh_${name}`;
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 8);
  const readable = name.toLowerCase().replace(/[^a-z0-9]+/g, "_");
  return `usermesh_${readable.slice(0, 30)}_${hash}`;
}

function explained<T>(name: string, problems: string[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DatabaseUrlError)) throw error;
    problems.push(`${name} ${error.message}.`);
    return undefined;
  }
}
