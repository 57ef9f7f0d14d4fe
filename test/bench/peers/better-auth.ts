import { execFile } from "node:child_process";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import { findFreePort } from "../../../scripts/local-servers/ports.ts";
import { createTestDatabase } from "../../support/start/database.ts";
import { type Peer, pidsOf, startServer } from "./peer.ts";

const PACKAGES = { "better-auth": "1.7.25", pg: "8.22.0" };

/** Installs better-auth into a folder of its own: none of our dependencies changes. */
export async function installBetterAuth(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, "package.json"),
    JSON.stringify({ private: true, type: "module", dependencies: PACKAGES }),
  );
  await copyFile(join(import.meta.dirname, "better-auth.mjs"), join(folder, "server.mjs"));
  await promisify(execFile)("npm", ["install", "--no-audit", "--no-fund"], { cwd: folder });
}

export async function startBetterAuth(
  stack: AsyncDisposableStack,
  { folder, cost, cache }: { readonly folder: string; readonly cost: number; readonly cache: boolean },
): Promise<Peer> {
  const database = await createTestDatabase();
  stack.defer(database.drop);
  const port = await findFreePort();
  const url = `http://127.0.0.1:${port}`;
  const env = {
    DATABASE_URL: database.url,
    BCRYPT: createRequire(import.meta.url).resolve("bcrypt"),
    COST: String(cost),
    CACHE: String(cache),
    PORT: String(port),
    NODE_ENV: "production",
  };
  const start = () => startServer(stack, [process.execPath, "server.mjs"], { cwd: folder, env, url: `${url}/me` });
  const { child, startMs } = await start();
  const headers = { "content-type": "application/json", origin: url };
  const post = (path: string, body: object) =>
    fetch(`${url}/api/auth/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  return {
    name: `better-auth ${PACKAGES["better-auth"]}${cache ? ", cookie cache" : ""}`,
    url,
    path: "/me",
    startMs,
    pids: () => pidsOf(child.pid ?? 0),
    signUp: (person) => post("sign-up/email", { ...person, name: person.email }),
    signIn: (person) => post("sign-in/email", person),
    sessionHeaders: async (response) => ({
      cookie: response.headers
        .getSetCookie()
        .map((cookie) => cookie.split(";")[0])
        .join("; "),
    }),
  };
}
