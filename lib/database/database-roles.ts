import { createHmac } from "node:crypto";
import { Client } from "pg";
import type { Config } from "../config/config.ts";

/** The schemas of the mesh: one for each service that keeps tables, and one for BullMQ where it runs on PostgreSQL. */
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
 * A service's role has a password of its own, derived from the owner's: so one `DATABASE_URL` is enough, and a role's
 * password tells nothing about another's.
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

/** How the service that owns `schema` connects: as its role, or as the owner where no roles could be made. */
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

/** 28P01, 28000: no such role, or not this password. Anything else is left to the pool and its patience. */
async function isRefused(url: string, ssl: SslOption): Promise<boolean> {
  try {
    await once(url, ssl, "SELECT 1");
    return false;
  } catch (error) {
    return ["28P01", "28000"].includes((error as { code?: string }).code ?? "");
  }
}

/** `migrate` writes it down where the owner may not create roles. */
async function sharesOneRole(ownerUrl: string, ssl: SslOption): Promise<boolean> {
  const rows = await once(ownerUrl, ssl, "SELECT shared_role FROM usermesh.installation");
  return rows[0]?.shared_role === true;
}

async function once(connectionString: string, ssl: SslOption, sql: string): Promise<Array<Record<string, unknown>>> {
  const client = new Client({ connectionString, ssl, connectionTimeoutMillis: 2_000 });
  // A lost connection fails the statement; without a listener it would end the process as well.
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
