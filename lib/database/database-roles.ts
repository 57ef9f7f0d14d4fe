import { createHmac } from "node:crypto";
import { Client } from "pg";
import type { Config } from "../config/config.ts";

/** One schema for each service that has tables, and one for BullMQ if it runs on PostgreSQL. */
export const schemas = ["users", "auth", "sessions", "preferences", "mail", "admin"] as const;
export const jobsSchema = "jobs";

type SslOption = false | { readonly rejectUnauthorized: boolean };

export interface Connection {
  readonly url: string;
  readonly ssl: SslOption;
}

export function roleName(schema: string): string {
  return `usermesh_${schema}`;
}

/**
 * Each service's role has its own password, derived from the owner's, so that one `DATABASE_URL` is enough and a role's
 * password reveals no other.
 */
export function rolePassword(ownerUrl: string, role: string): string {
  const owner = new URL(ownerUrl);
  return createHmac("sha256", `usermesh-role:${decodeURIComponent(owner.password)}`)
    .update(role)
    .digest("base64url");
}

export function sslOption(config: Config): SslOption {
  return config.database.ssl === "off" ? false : { rejectUnauthorized: config.database.ssl === "verify" };
}

/** How the service that owns `schema` connects: as its role, or as the owner if `migrate` could not create roles. */
export async function resolveConnection(config: Config, schema: string): Promise<Connection> {
  const ownerUrl = config.database.url;
  if (ownerUrl === undefined) throw new Error("DATABASE_URL is not set");
  const ssl = sslOption(config);
  const url = withRole(ownerUrl, roleName(schema));
  return (await isRefused(url, ssl)) && (await sharesOneRole(ownerUrl, ssl)) ? { url: ownerUrl, ssl } : { url, ssl };
}

function withRole(ownerUrl: string, role: string): string {
  const url = new URL(ownerUrl);
  url.username = role;
  url.password = rolePassword(ownerUrl, role);
  return url.href;
}

/** SQLSTATE 28P01 and 28000: unknown role or wrong password. Other failures are left to the pool and its retries. */
async function isRefused(url: string, ssl: SslOption): Promise<boolean> {
  try {
    await queryOnce(url, ssl, "SELECT 1");
    return false;
  } catch (error) {
    return ["28P01", "28000"].includes((error as { code?: string }).code ?? "");
  }
}

/** `migrate` records it if the owner may not create roles. */
async function sharesOneRole(ownerUrl: string, ssl: SslOption): Promise<boolean> {
  const rows = await queryOnce(ownerUrl, ssl, "SELECT shared_role FROM usermesh.installation");
  return rows[0]?.shared_role === true;
}

async function queryOnce(
  connectionString: string,
  ssl: SslOption,
  sql: string,
): Promise<Array<Record<string, unknown>>> {
  const client = new Client({ connectionString, ssl, connectionTimeoutMillis: 2_000 });
  // A lost connection fails the statement. Without a listener it would end the process too.
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
