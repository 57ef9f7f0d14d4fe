import { once } from "node:events";
import { createServer } from "node:net";
import { type Environment, readConfig } from "../../lib/config/config.ts";

const MAX_ATTEMPTS = 100;

/** APP_PORT if it is set; else 3000, or the next free port. Looked at before anything is started. */
export async function withAppPort(env: Environment): Promise<Environment> {
  const { http } = readConfig(env);
  if (env.APP_PORT || env.PORT) {
    if (http.port === 0 || (await isFree(http.port, http.host))) return env;
    throw new Error(`Port ${http.port} on ${http.host} is already in use. Set APP_PORT to another one.`);
  }
  return { ...env, APP_PORT: String(await findFreePort(http.port, http.host)) };
}

/** A row for the table of a start that uses another port than the expected one; undefined if it is that one. */
export function describePort(given: Environment, used: number): string | undefined {
  const { port } = readConfig(given).http;
  return port === 0 || port === used ? undefined : `${port} is in use: using ${used} (APP_PORT)`;
}

/** The first free port, starting with `first`. */
export async function findFreePort(first: number, host: string): Promise<number> {
  for (let port = first; port < first + MAX_ATTEMPTS; port += 1) {
    if (await isFree(port, host)) return port;
  }
  throw new Error(`No port from ${first} to ${first + MAX_ATTEMPTS - 1} is free. Set APP_PORT.`);
}

async function isFree(port: number, host: string): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
