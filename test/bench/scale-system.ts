import { spawn } from "node:child_process";
import { once } from "node:events";
import pg from "pg";
import { encodeCursor } from "../../lib/actions/cursor.ts";
import { findFreePort } from "../../scripts/local-servers/ports.ts";
import { waitForGateway } from "../../scripts/run/ready.ts";
import { DEMO_PASSWORD } from "../../scripts/seed/write-people.ts";

export interface ScaleDatabase {
  readonly url: string;
}

export interface ScaledSystem {
  readonly url: string;
  /** Answers with the body's `data`; anything but success is an error. */
  request(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Accounts at random that may sign in. */
  readonly people: ReadonlyArray<{ readonly id: string; readonly email: string }>;
  /** Of the newest first, page 1,000 of 20 each, or in the middle where there are not so many. */
  readonly deepCursor: string;
  /** The latest of each session that an operation has opened. */
  readonly refreshTokens: string[];
  stop(): Promise<void>;
}

export const admin = { email: "admin@example.com", password: "Usher-of-the-Mesh-1" };
export const password = DEMO_PASSWORD;

export async function databaseOf(serverUrl: string, size: number): Promise<ScaleDatabase> {
  const name = `scale_${size}`;
  const url = new URL(serverUrl);
  const found = await asOwner({ url: url.href }, `SELECT 1 FROM pg_database WHERE datname = '${name}'`);
  if (found.length === 0) await asOwner({ url: url.href }, `CREATE DATABASE ${name}`);
  url.pathname = `/${name}`;
  return { url: url.href };
}

export async function asOwner({ url }: ScaleDatabase, sql: string): Promise<Array<Record<string, unknown>>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client
    .query(sql)
    .then(({ rows }) => rows)
    .finally(() => client.end());
}

export function environmentOf({ url }: ScaleDatabase): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    DATABASE_URL: url,
    SECRET_KEY: `k1:${"scale-".repeat(8)}`,
    PASSWORD_HASH_COST: "4",
    RATE_LIMIT_ENABLED: "false",
    CHECK_RESULTS: "false",
    LOG_LEVEL: "fatal",
    ADMIN_EMAIL: admin.email,
    ADMIN_PASSWORD: admin.password,
  };
}

const PEOPLE = 500;

/** What `npm start` runs, in a process of its own. */
export async function startScaled(
  database: ScaleDatabase,
  size: number,
  env: NodeJS.ProcessEnv = {},
): Promise<ScaledSystem> {
  const port = String(await findFreePort());
  const child = spawn(process.execPath, ["--require", "./scripts/environment.cjs", "scripts/start.ts"], {
    env: { ...environmentOf(database), APP_PORT: port, ...env },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const ended = once(child, "exit");
  const url = `http://localhost:${port}`;
  await waitForGateway(url);
  const people = await asOwner(
    database,
    `SELECT id, email FROM users.users WHERE is_active AND email LIKE '%.%.%@%' ORDER BY random() LIMIT ${PEOPLE}`,
  );
  const access = await signIn(url);
  return {
    url,
    request: (method, path, body) => send(`${url}/api/v1/${path}`, { method, body, access }),
    people: people as unknown as ScaledSystem["people"],
    deepCursor: await cursorAt(database, Math.min(20_000, size / 2)),
    refreshTokens: [],
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

async function signIn(url: string): Promise<string> {
  const data = await send(`${url}/api/v1/auth/login`, { method: "POST", body: admin });
  return (data as { access_token: string }).access_token;
}

interface Request {
  readonly method: string;
  readonly body?: unknown;
  readonly access?: string;
}

async function send(url: string, { method, body, access }: Request): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: { "content-type": "application/json", ...(access !== undefined && { authorization: `Bearer ${access}` }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url} answered ${response.status}: ${text}`);
  return (JSON.parse(text) as { data: unknown }).data;
}

async function cursorAt(database: ScaleDatabase, offset: number): Promise<string> {
  const [row] = await asOwner(
    database,
    `SELECT id, created_at FROM users.users WHERE deleted_at IS NULL ORDER BY created_at DESC, id DESC OFFSET ${offset} LIMIT 1`,
  );
  const { id, created_at } = row as { id: string; created_at: Date };
  return encodeCursor("-created_at", { at: created_at.toISOString(), id });
}
