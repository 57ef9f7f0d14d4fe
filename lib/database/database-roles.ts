import { createHmac } from "node:crypto";
import { type Config, ConfigError } from "../config/config.ts";

/** One schema for each service that has tables, and one for BullMQ if it runs on PostgreSQL. */
export const schemas = ["users", "auth", "sessions", "preferences", "mail", "admin", "webhooks"] as const;
export const jobsSchema = "jobs";

/** The names of an installation in PostgreSQL: roles belong to the whole server, schemas to the database. */
export type DatabaseNames = Pick<Config["database"], "rolePrefix" | "schemaPrefix">;

type RoleSource = Pick<Config["database"], "rolePrefix" | "rolePasswords">;

/** The role of the service that owns `schema`. */
export function roleName({ rolePrefix }: Pick<DatabaseNames, "rolePrefix">, schema: string): string {
  return `${rolePrefix}_${schema}`;
}

/** The password that `migrate` gives the role of `schema`. */
export function passwordOfRole(database: RoleSource, ownerUrl: string, schema: string): string {
  return database.rolePasswords[schema] ?? rolePassword(ownerUrl, roleName(database, schema));
}

/** The URL with which the service that owns `schema` signs in as its role. */
export function roleUrl(ownerUrl: string, database: RoleSource, schema: string): string {
  return withRole(ownerUrl, roleName(database, schema), passwordOfRole(database, ownerUrl, schema));
}

/**
 * Without DB_ROLE_PASSWORDS each role's password is derived from the owner's, so that in development one `DATABASE_URL` is
 * enough. A node that has the URL of its own role can't derive another one's.
 */
export function rolePassword(ownerUrl: string, role: string): string {
  const owner = decodeURIComponent(new URL(ownerUrl).password);
  // A constant that anyone can compute would be the password of this role in every installation.
  if (owner === "") throw new ConfigError(["DATABASE_URL must contain the owner's password."]);
  return createHmac("sha256", `usermesh-role:${owner}`).update(role).digest("base64url");
}

/** The schema whose role DATABASE_URL names; undefined if it names the owner. */
export function schemaOfUrl(
  url: string,
  names: Pick<DatabaseNames, "rolePrefix">,
): (typeof schemas)[number] | undefined {
  const { username } = new URL(url);
  return schemas.find((schema) => roleName(names, schema) === username);
}

export function withRole(ownerUrl: string, role: string, password: string): string {
  const url = new URL(ownerUrl);
  url.username = role;
  url.password = password;
  return url.href;
}
