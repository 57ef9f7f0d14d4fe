import { join } from "node:path";
import { createTestDatabase } from "../../support/start/database.ts";
import { startMesh } from "../../support/start/mesh.ts";
import { startOneProcess } from "../embedded.ts";
import { bodyOf, type Peer, postJson } from "./peer.ts";

const PLENTY = "1000000/60";

const settings = (cost: number) => ({
  NODE_ENV: "development",
  CHECK_RESULTS: "false", // as in production
  PASSWORD_HASH_COST: String(cost),
  PASSWORD_HASH_MAX_WAIT_MS: "8000",
  RATE_LIMIT_DEFAULT: PLENTY,
  RATE_LIMIT_LOGIN: PLENTY,
  RATE_LIMIT_MAIL: PLENTY,
  RATE_LIMIT_REGISTER: PLENTY,
});

const routes = (url: string): Pick<Peer, "url" | "path" | "signUp" | "signIn" | "sessionHeaders"> => ({
  url,
  path: "/api/v1/users/me",
  signUp: (person) => postJson(`${url}/api/v1/auth/register`, person),
  signIn: (person) => postJson(`${url}/api/v1/auth/login`, person),
  sessionHeaders: async (response) => ({
    authorization: `Bearer ${(await bodyOf<{ data: { access_token: string } }>(response)).data.access_token}`,
  }),
});

export async function startOne(stack: AsyncDisposableStack, folder: string, cost: number): Promise<Peer> {
  const database = await createTestDatabase();
  stack.defer(database.drop);
  const env = { ...settings(cost), DATA_DIR: join(folder, "one"), DATABASE_URL: database.url };
  const { url, pid, startMs, stop } = await startOneProcess(env);
  stack.defer(stop);
  return { ...routes(url), name: "Usermesh, one process", startMs, pids: async () => [pid] };
}

export async function startMany(stack: AsyncDisposableStack, cost: number): Promise<Peer> {
  const mesh = await startMesh({ env: settings(cost) });
  stack.defer(mesh.stop);
  const pids = async () => mesh.names().map((name) => mesh.pid(name));
  return { ...routes(mesh.api.url), name: `Usermesh, ${mesh.names().length} processes`, startMs: null, pids };
}
