import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { findFreePort } from "../../../scripts/local-servers/ports.ts";
import { createTestDatabase } from "../../support/start/database.ts";
import { bodyOf, type Peer, pidsOf, postJson, startServer } from "./peer.ts";

const PYTHON = "/usr/bin/python3";
const WORKERS = "2";

/** Whether Debian's packages python3-fastapi, -uvicorn, -asyncpg, -bcrypt and -jose are there. */
export const hasFastapi = (): Promise<boolean> =>
  promisify(execFile)(PYTHON, ["-c", "import fastapi, uvicorn, asyncpg, bcrypt, jose"]).then(
    () => true,
    () => false,
  );

export async function startFastapi(stack: AsyncDisposableStack, cost: number): Promise<Peer> {
  const database = await createTestDatabase();
  stack.defer(database.drop);
  const port = String(await findFreePort());
  const url = `http://127.0.0.1:${port}`;
  const command = [PYTHON, "-m", "uvicorn", "fastapi_app:app"] as const;
  const options = ["--port", port, "--workers", WORKERS, "--log-level", "critical"];
  const env = { DATABASE_URL: database.url, COST: String(cost) };
  const where = { cwd: import.meta.dirname, env, url: `${url}/health` };
  const { child, startMs } = await startServer(stack, [...command, ...options], where);
  return {
    name: `FastAPI, ${WORKERS} workers`,
    url,
    path: "/me",
    startMs,
    pids: () => pidsOf(child.pid ?? 0),
    signUp: (person) => postJson(`${url}/sign-up`, person),
    signIn: (person) => postJson(`${url}/sign-in`, person),
    sessionHeaders: async (response) => ({
      authorization: `Bearer ${(await bodyOf<{ access_token: string }>(response)).access_token}`,
    }),
  };
}
